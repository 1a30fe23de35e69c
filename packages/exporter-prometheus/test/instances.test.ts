import { resourceFromAttributes } from "@opentelemetry/resources";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { afterEach, describe, expect, it } from "vitest";
import { until } from "../../../test/support/servers.ts";
import { type GaugeRule, prometheus, type PrometheusExporter } from "../src/index.ts";
import { type Instance, startProcess, startThread } from "./instances.ts";
import { type RecordingDiag, recordingDiag } from "./recording-diag.ts";

const ways = [
  ["cluster", "processes of a cluster", startProcess],
  ["threads", "worker threads", startThread],
] as const;

describe.each(ways)("%s: %s scraped as one", (across, _, startInstance) => {
  const ends: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).toReversed()) await end();
  });

  async function serve(
    options: { gauges?: GaugeRule; gaugeRules?: Record<string, GaugeRule>; deadlineMillis?: number } = {},
  ): Promise<{ exporter: PrometheusExporter; provider: MeterProvider; diag: RecordingDiag }> {
    const exporter = prometheus({
      server: false,
      withTargetInfo: false,
      aggregate: { across, deadlineMillis: 10_000, ...options },
    });
    const diag = recordingDiag();
    const reader = exporter.createReader({ resourceAttributes: {}, namespace: "", diag });
    const provider = new MeterProvider({ resource: resourceFromAttributes({}), readers: [reader] });
    ends.push(() => provider.shutdown());
    return { exporter, provider, diag };
  }

  async function join(): Promise<Instance> {
    const instance = await startInstance();
    ends.push(() => instance.kill());
    return instance;
  }

  /** What is shown once all that was told has arrived: messages between threads keep no order among channels. */
  async function expectShown(exporter: PrometheusExporter, expected: string): Promise<void> {
    await until(async () => (await exporter.render()).includes(expected), `${expected} to be shown`);
    expect(await exporter.render()).toContain(expected);
  }

  it("adds up counters, histograms and balances of all of them, the one that serves included", async () => {
    const { exporter, provider } = await serve();
    const [one, other] = [await join(), await join()];
    provider.getMeter("test").createCounter("calls", { description: "Calls" }).add(1, { model: "gpt" });
    await one.tell("count", 10);
    await other.tell("count", 100);
    await one.tell("record", 0.5);
    await other.tell("record", 5);
    await one.tell("balance", 3);
    await other.tell("balance", -1);
    await expectShown(
      exporter,
      "# HELP calls_total Calls\n# TYPE calls_total counter\n" +
        'calls_total{model="gpt"} 111\n' +
        "# HELP open Open\n# TYPE open gauge\nopen 2\n" +
        "# HELP wait Wait\n# TYPE wait histogram\n" +
        'wait_bucket{le="1"} 1\nwait_bucket{le="10"} 2\nwait_bucket{le="+Inf"} 2\nwait_sum 5.5\nwait_count 2\n',
    );
  });

  it.each([
    ["sum", "level 9"],
    ["max", "level 5"],
    ["min", "level 4"],
  ] as const)("shows gauges by the rule %s", async (gauges, line) => {
    const { exporter } = await serve({ gauges: "each", gaugeRules: { level: gauges } });
    const [one, other] = [await join(), await join()];
    await one.tell("set", 4);
    await other.tell("set", 5);
    await expectShown(exporter, `\n${line}\n`);
  });

  it("keeps a gauge of each of them apart by the rule each", async () => {
    const { exporter } = await serve({ gauges: "each" });
    const [one, other] = [await join(), await join()];
    await one.tell("set", 4);
    await other.tell("set", 5);
    await until(async () => (await exporter.render()).split("instance_id").length === 3, "two gauges to be shown");
    const found = [...(await exporter.render()).matchAll(/^level\{instance_id="(\d+)"\} (\d)$/gm)];
    expect(found.map(([, , value]) => value)).toEqual(expect.arrayContaining(["4", "5"]));
    expect(new Set(found.map(([, id]) => id)).size).toBe(2);
  });

  it("never lets a sum fall when one ends: by its own will, or without a word", async () => {
    const { exporter } = await serve({ deadlineMillis: 1000 });
    const [one, other] = [await join(), await join()];
    await one.tell("count", 10);
    await other.tell("count", 100);
    await one.tell("balance", 3);
    await expectShown(exporter, 'calls_total{model="gpt"} 110\n');
    await one.tell("count", 5);
    // A farewell brings what was counted since the last scrape.
    await one.tell("shutdown");
    await one.kill();
    await expectShown(exporter, 'calls_total{model="gpt"} 115\n');
    // A balance ends with who held it.
    expect(await exporter.render()).not.toContain("open");
    await other.kill();
    const third = await join();
    await third.tell("count", 1000);
    await expectShown(exporter, 'calls_total{model="gpt"} 1115\n');
    for (let scrape = 0; scrape < 4; scrape++) {
      expect(await exporter.render()).toContain('calls_total{model="gpt"} 1115\n');
    }
  });

  it("waits no longer than its deadline for one that hangs, shows what it told last, and tells once", async () => {
    const { exporter, diag } = await serve({ deadlineMillis: 1000 });
    const [one, hanging] = [await join(), await join()];
    await one.tell("count", 1);
    await hanging.tell("count", 10);
    await until(async () => (await exporter.render()).includes('calls_total{model="gpt"} 11\n'), "both to be heard");
    hanging.order("hang", 600_000);
    await one.tell("count", 1);
    const told = (): string[] => diag.lines.filter((line) => line.includes("did not tell its metrics within 1000 ms"));
    await until(async () => {
      const text = await exporter.render();
      // What the other counted may come a scrape later on a busy machine, but never is anything lost.
      expect(text).toMatch(/calls_total\{model="gpt"\} 1[12]\n/);
      return told().length > 0 && text.includes('calls_total{model="gpt"} 12\n');
    }, "the other's count beside what the hanging one told last");
    const instances = told().map((line) => /instance (\d+)/.exec(line)?.[1]);
    for (let scrape = 0; scrape < 4; scrape++) await exporter.render();
    const [hung] = instances.filter((id) => !diag.lines.some((line) => line.includes(`instance ${id} answers again`)));
    expect(told().filter((line) => line.includes(`instance ${hung} `))).toHaveLength(1);
  });

  it("answers from one alone: another says who does, rather than to show a part for the whole", async () => {
    await serve();
    const one = await join();
    expect(await one.tell("render")).toContain("served by the primary process or main thread");
  });

  it("hears those that were there before it", async () => {
    const early = await join();
    await early.tell("count", 7);
    const { exporter } = await serve();
    await until(
      async () => (await exporter.render()).includes('calls_total{model="gpt"} 7\n'),
      "the early one to be heard",
    );
  });
});
