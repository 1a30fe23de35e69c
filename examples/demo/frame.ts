import { stripVTControlCharacters, styleText } from "node:util";
import { describeSent, type Sent } from "./audit.ts";
import { clock, count, cut, duration, money } from "./figures.ts";
import type { Addresses } from "./stage.ts";
import type { ModelRow, StepRow, Summary, TenantRow } from "./summary.ts";

/** What one frame of the screen shows. */
export interface Frame {
  readonly seconds: number;
  readonly exporters: readonly string[];
  readonly addresses: Addresses;
  /** The meters as read just now; undefined before the first reading, or when no backend can be read from here. */
  readonly summary: Summary | undefined;
  /** What really happened so far, counted outside the service. */
  readonly sent: Sent;
  readonly otlpExports: number | undefined;
  /** What stands at the top right, for example how to end. */
  readonly note: string;
}

const width = 80;

/** The whole screen: at most 24 lines of 80 columns. */
export function renderFrame(frame: Frame): readonly string[] {
  const title = ` ${styleText("bold", "meterbridge demo")}  ${clock(frame.seconds)}  ${whereTo(frame)}`;
  const note = styleText("dim", frame.note);
  const gap = width - 1 - visibleLength(title) - visibleLength(note);
  const head = [title + " ".repeat(Math.max(1, gap)) + note, ...renderAddresses(frame), rule()];
  const { summary } = frame;
  if (summary === undefined) return [...head, ` sent ${describeSent(frame.sent)}`, ` ${whyNoMeters(frame)}`];
  const left = [...tenantTable(summary.tenants), "", ...factLines(summary)];
  const right = stepTable(summary.steps);
  return [...head, ...modelTable(summary.models), rule(), ...sideBySide(left, right, 38)];
}

/** One line for a log: the totals so far. */
export function renderLine({ seconds, summary, sent }: Frame): string {
  if (summary === undefined) return `${clock(seconds)}  sent ${describeSent(sent)}`;
  const all = sumOfModels(summary.models);
  const tickets = Object.values(summary.tickets).reduce((sum, added) => sum + added, 0);
  return [
    clock(seconds),
    `${count(tickets)} tickets`,
    `${count(all.calls)} model calls, ${count(all.failed)} failed`,
    `${count(all.inputTokens)} + ${count(all.outputTokens)} tokens`,
    money(all.costUsd),
    `${count(summary.users.fiveMinutes)} users`,
  ].join("  ");
}

/** Where to look. */
export function renderAddresses({ addresses }: Pick<Frame, "addresses">): readonly string[] {
  const { metrics, service, pid, otlp } = addresses;
  const rows = [
    [metrics && `metrics ${metrics}`, otlp && `otlp ${otlp}`],
    [`service ${service} (pid ${pid})`, "/health /api/v1/metrics/summary"],
  ];
  return rows
    .map((cells) => cells.filter((cell) => cell !== undefined))
    .filter((cells) => cells.length > 0)
    .map(([left = "", right = ""]) => cut(` ${left.padEnd(37)}  ${right}`.trimEnd(), width));
}

function whereTo({ exporters, otlpExports }: Frame): string {
  return `${exporters.join(" + ")}${otlpExports ? `, ${count(otlpExports)} pushed` : ""}`;
}

function whyNoMeters({ addresses, exporters, otlpExports }: Frame): string {
  const readable = addresses.metrics !== undefined || otlpExports !== undefined;
  return readable
    ? "waiting for the first meters"
    : `the meters go to ${exporters.join(" and ")}, not readable from here`;
}

function modelTable(models: readonly ModelRow[]): readonly string[] {
  const row = (name: string, figures: readonly string[]): string => {
    const widths = [7, 7, 11, 11, 10, 7, 7];
    return ` ${name.padEnd(18)}${figures.map((figure, index) => figure.padStart(widths[index] ?? 0)).join("")}`;
  };
  const all = sumOfModels(models);
  return [
    styleText("dim", row("model", ["calls", "failed", "tokens in", "tokens out", "cost", "p50", "p95"])),
    ...models.map((model) =>
      row(cut(model.model, 18), [
        count(model.calls, 6),
        count(model.failed, 6),
        count(model.inputTokens),
        count(model.outputTokens),
        cost(model),
        duration(model.p50),
        duration(model.p95),
      ]),
    ),
    styleText(
      "bold",
      row("all models", [
        count(all.calls, 6),
        count(all.failed, 6),
        count(all.inputTokens),
        count(all.outputTokens),
        money(all.costUsd),
      ]),
    ),
  ];
}

function tenantTable(tenants: readonly TenantRow[]): readonly string[] {
  const row = (name: string, calls: string, tokens: string, price: string): string =>
    ` ${name.padEnd(11)}${calls.padStart(6)}${tokens.padStart(10)}${price.padStart(9)}`;
  return [
    styleText("dim", row("tenant", "calls", "tokens", "cost")),
    ...tenants.map((each) => row(cut(each.tenant, 10), count(each.calls, 5), count(each.tokens, 9), cost(each))),
  ];
}

function stepTable(steps: readonly StepRow[]): readonly string[] {
  const row = (kind: string, name: string, figures: readonly string[]): string =>
    ` ${kind.padEnd(10)}${name.padEnd(16)}${figures.map((figure) => figure.padStart(5)).join("")}`;
  return [
    styleText("dim", row("step", "", ["done", "fail", "stop"])),
    ...steps.map(({ kind, name, completed, failed, cancelled }) =>
      row(kind, cut(name, 15), [count(completed, 5), count(failed, 4), count(cancelled, 4)]),
    ),
  ];
}

function factLines({ users, sessions, decisions, tickets, refunds, requests }: Summary): readonly string[] {
  const channels = Object.entries(tickets).map(([channel, total]) => `${channel} ${count(total)}`);
  const fact = (name: string, text: string): string => ` ${styleText("dim", name.padEnd(9))}${text}`;
  return [
    fact("users", `${count(users.fiveMinutes)} in 5 min, ${count(users.day)} in a day`),
    fact("sessions", `${count(sessions.active)} open of ${count(sessions.created)}`),
    fact("tickets", channels.join(", ")),
    fact("refunds", `${count(refunds.count)}, EUR ${count(refunds.euros)}`),
    fact(
      "reviews",
      `${count(decisions.approved)} yes, ${count(decisions.rejected)} no, ${count(decisions.expired)} expired`,
    ),
    fact("http", `${count(requests.total)}, ${count(requests.failed)} failed, p95 ${duration(requests.p95)}`),
  ];
}

function sumOfModels(
  models: readonly ModelRow[],
): Pick<ModelRow, "calls" | "failed" | "inputTokens" | "outputTokens" | "costUsd"> {
  const all = { calls: 0, failed: 0, inputTokens: 0, outputTokens: 0, costUsd: 0 };
  for (const model of models) {
    all.calls += model.calls;
    all.failed += model.failed;
    all.inputTokens += model.inputTokens;
    all.outputTokens += model.outputTokens;
    all.costUsd += model.costUsd;
  }
  return all;
}

function sideBySide(left: readonly string[], right: readonly string[], leftWidth: number): readonly string[] {
  return Array.from({ length: Math.max(left.length, right.length) }, (_, index) => {
    const text = left[index] ?? "";
    return `${text}${" ".repeat(Math.max(1, leftWidth - visibleLength(text)))}${right[index] ?? ""}`.trimEnd();
  });
}

function rule(): string {
  return styleText("dim", "─".repeat(width));
}

function cost({ costUsd, unpriced }: Pick<ModelRow, "costUsd" | "unpriced">): string {
  return costUsd === 0 && unpriced > 0 ? "unpriced" : money(costUsd);
}

function visibleLength(text: string): number {
  return stripVTControlCharacters(text).length;
}
