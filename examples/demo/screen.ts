import { stripVTControlCharacters, styleText } from "node:util";
import type { Addresses } from "./stage.ts";
import type { ModelRow, StepRow, Summary, TenantRow } from "./summary.ts";

/** What one frame of the screen shows. */
export interface Frame {
  readonly seconds: number;
  readonly exporters: readonly string[];
  readonly addresses: Addresses;
  /** The meters as read just now; undefined before the first reading, or when no backend can be read from here. */
  readonly summary: Summary | undefined;
  readonly otlpExports: number | undefined;
  /** What stands at the top right, for example how to end. */
  readonly note: string;
}

export interface Screen {
  show(frame: Frame): void;
  /** Gives the terminal back as it was. */
  close(): void;
}

const width = 80;

/** On a terminal the frame is redrawn in place; otherwise the addresses and then one line now and then are written. */
export function openScreen(output: NodeJS.WriteStream): Screen {
  if (!output.isTTY) return lineScreen(output);
  // The alternate screen, without a cursor and without wrapping in a narrow window.
  output.write("\x1b[?1049h\x1b[?25l\x1b[?7l");
  return {
    show(frame) {
      const lines = renderScreen(frame).slice(0, output.rows);
      output.write(`\x1b[H${lines.map((line) => `${line}\x1b[K`).join("\n")}\x1b[J`);
    },
    close: () => void output.write("\x1b[?7h\x1b[?25h\x1b[?1049l"),
  };
}

const secondsBetweenLines = 2;

function lineScreen(output: NodeJS.WriteStream): Screen {
  let next = 0;
  return {
    show(frame) {
      if (next === 0) {
        output.write(`${renderAddresses(frame).join("\n")}\n`);
        next = secondsBetweenLines;
      }
      if (frame.summary === undefined || frame.seconds < next) return;
      next += secondsBetweenLines;
      output.write(`${renderLine(frame, frame.summary)}\n`);
    },
    close() {},
  };
}

/** The whole screen: at most 24 lines of 80 columns. */
export function renderScreen(frame: Frame): readonly string[] {
  const title = ` ${styleText("bold", "meterbridge demo")}  ${clock(frame.seconds)}  ${frame.exporters.join(" + ")}`;
  const note = styleText("dim", frame.note);
  const gap = width - 1 - visibleLength(title) - visibleLength(note);
  const head = [title + " ".repeat(Math.max(1, gap)) + note, ...renderAddresses(frame), rule()];
  const { summary } = frame;
  if (summary === undefined) return [...head, " waiting for the first figures"];
  const left = [...tenantTable(summary.tenants), "", ...factLines(summary)];
  const right = stepTable(summary.steps);
  return [...head, ...modelTable(summary.models), rule(), ...sideBySide(left, right, 38)];
}

/** One line for a log: the totals so far. */
export function renderLine({ seconds }: Pick<Frame, "seconds">, summary: Summary): string {
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
function renderAddresses({ addresses, otlpExports }: Pick<Frame, "addresses" | "otlpExports">): readonly string[] {
  const exports = !otlpExports ? "" : `  ${count(otlpExports)} exports`;
  const cells = [
    addresses.metrics && `metrics ${addresses.metrics}`,
    addresses.health && `health ${addresses.health}`,
    `service ${addresses.service}  pid ${addresses.pid}`,
    addresses.otlp && `otlp ${addresses.otlp}${exports}`,
  ].filter((cell) => cell !== undefined && cell !== "");
  const lines: string[] = [];
  for (let index = 0; index < cells.length; index += 2) {
    lines.push(` ${(cells[index] ?? "").padEnd(37)} ${cells[index + 1] ?? ""}`.trimEnd());
  }
  return lines;
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
        count(model.calls),
        count(model.failed),
        count(model.inputTokens),
        count(model.outputTokens),
        model.unpriced > 0 && model.costUsd === 0 ? "unpriced" : money(model.costUsd),
        duration(model.p50),
        duration(model.p95),
      ]),
    ),
    styleText(
      "bold",
      row("all models", [
        count(all.calls),
        count(all.failed),
        count(all.inputTokens),
        count(all.outputTokens),
        money(all.costUsd),
      ]),
    ),
  ];
}

function tenantTable(tenants: readonly TenantRow[]): readonly string[] {
  const row = (name: string, calls: string, tokens: string, cost: string): string =>
    ` ${name.padEnd(11)}${calls.padStart(6)}${tokens.padStart(10)}${cost.padStart(9)}`;
  return [
    styleText("dim", row("tenant", "calls", "tokens", "cost")),
    ...tenants.map(({ tenant, calls, tokens, costUsd }) =>
      row(cut(tenant, 10), count(calls), count(tokens), costUsd === 0 ? "unpriced" : money(costUsd)),
    ),
  ];
}

function stepTable(steps: readonly StepRow[]): readonly string[] {
  const row = (kind: string, name: string, figures: readonly string[]): string =>
    ` ${kind.padEnd(10)}${name.padEnd(16)}${figures.map((figure) => figure.padStart(5)).join("")}`;
  return [
    styleText("dim", row("step", "", ["done", "fail", "stop"])),
    ...steps.map(({ kind, name, completed, failed, cancelled }) =>
      row(kind, cut(name, 15), [count(completed), count(failed), count(cancelled)]),
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

function visibleLength(text: string): number {
  return stripVTControlCharacters(text).length;
}

function rule(): string {
  return styleText("dim", "─".repeat(width));
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

const wholeNumbers = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

function count(value: number): string {
  return wholeNumbers.format(value);
}

function money(dollars: number): string {
  return `$${dollars.toFixed(4)}`;
}

function duration(seconds: number): string {
  return seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(2)} s`;
}

function clock(seconds: number): string {
  const whole = Math.floor(seconds);
  return `${String(Math.floor(whole / 60)).padStart(2, "0")}:${String(whole % 60).padStart(2, "0")}`;
}
