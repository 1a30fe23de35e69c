import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, expect, test } from "vitest";
import { findServer } from "./support/servers.ts";

const rules = path.join(import.meta.dirname, "../docs/alerts/budgets.yml");
const promtool = findServer("promtool");
const directories: string[] = [];

afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

test("the alerts name only meters that are exposed under those names", () => {
  const named = readFileSync(rules, "utf8").match(/\bmeterbridge_[a-z_]+/g);
  const meters = readFileSync(path.join(import.meta.dirname, "../docs/meters.md"), "utf8");
  for (const name of new Set(named)) expect(meters).toContain(`| \`${name}\` |`);
});

const used = (instance: string, values: string) =>
  series(`meterbridge_budget_used_ratio{budget="team",tenant="acme",instance="${instance}"}`, values);
const remaining = (values: string) =>
  series('meterbridge_budget_remaining_seconds{budget="team",tenant="acme",instance="a"}', values);
const counted = (outcome: string, values: string) =>
  series(`meterbridge_budget_reservations_total{budget="team",outcome="${outcome}",instance="a"}`, values);

// One sample a minute, asked after an hour. The window ends in so many seconds.
test.skipIf(promtool === undefined).each([
  ["a budget at 79 % is left alone", [used("a", "0.79x60")], []],
  ["one at 80 % is told, once for all processes", [used("a", "0.8x60"), used("b", "0.5x60")], ["BudgetAlmostUsed"]],
  ["one at 100 % is told as used, no longer as almost used", [used("a", "1x60")], ["BudgetUsed"]],
  ["one that is overdrawn is told as used", [used("a", "1.3x60")], ["BudgetUsed"]],
  [
    "a budget that will be gone in two hours, of the six that are left, burns too fast",
    [used("a", "0.2+0.005x60"), remaining("25200-60x60")],
    ["BudgetBurnsFast"],
  ],
  ["the same speed is fine with one hour left", [used("a", "0.2+0.005x60"), remaining("7200-60x60")], []],
  ["a burst that is over is no burn", [used("a", "0.1x39 0.1+0.03x10 0.4x10"), remaining("25200-60x60")], []],
  ["a new window begins without an alert", [used("a", "0.7x50 0.01x9"), remaining("3000-60x50 86400-60x9")], []],
  ["the very first refusal is told", [counted("refused", "_x55 1x5")], ["BudgetRefuses"]],
  ["a further refusal is told", [counted("refused", "7x55 8x5")], ["BudgetRefuses"]],
  ["refusals of an hour ago are not", [counted("refused", "7x60")], []],
  ["grants are no alert", [counted("granted", "0+5x60"), counted("soft", "0+5x60"), counted("expired", "0+1x60")], []],
  ["going on without Redis is told", [counted("local_share", "_x55 1x5")], ["BudgetsWithoutRedis"]],
  ["as is refusing without it", [counted("failed_closed", "0+3x60")], ["BudgetsWithoutRedis"]],
] as const)("%s", (_name, input, firing) => {
  const all = ["BudgetAlmostUsed", "BudgetUsed", "BudgetBurnsFast", "BudgetRefuses", "BudgetsWithoutRedis"];
  const document = {
    rule_files: [rules],
    evaluation_interval: "1m",
    tests: [
      {
        interval: "1m",
        input_series: input,
        // Labels and annotations are not compared here: how many alerts fire is.
        promql_expr_test: all.map((alert) => ({
          expr: `count(ALERTS{alertname="${alert}",alertstate="firing"})`,
          eval_time: "60m",
          exp_samples: (firing as readonly string[]).includes(alert) ? [{ labels: "{}", value: 1 }] : [],
        })),
      },
    ],
  };
  const directory = mkdtempSync(path.join(tmpdir(), "meterbridge-alerts-"));
  directories.push(directory);
  const file = path.join(directory, "test.yml");
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(document));
  const { status, stdout, stderr } = spawnSync(promtool!, ["test", "rules", file], { encoding: "utf8" });
  expect(`${stdout}${stderr}`).toContain("SUCCESS");
  expect(status).toBe(0);
});

function series(name: string, values: string): { readonly series: string; readonly values: string } {
  return { series: name, values };
}
