import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { metrics } from "@opentelemetry/api";
import { addUsageSink, configure, llm, task, tool, withAttribution } from "@meterbridge/core";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  type MetricReader,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import { expect, test } from "vitest";
import { until } from "../../../test/support/servers.ts";
import { createLedger } from "../src/ledger.ts";
import { audit } from "../src/proof/audit.ts";
import type { MeterTotals } from "../src/proof/audit-meters.ts";
import { openSpool } from "../src/spool/spool.ts";
import { sqliteStore } from "../src/sqlite/sqlite-store.ts";
import { readMeters } from "./support/chaos-meters.ts";
import { chaosDirectory, wholeWindow } from "./support/chaos-run.ts";

test("what core's meters tell of model calls is what the ledger has, to the token, through an outage of the store", async () => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  configure({});
  const directory = await chaosDirectory();
  const file = path.join(directory, "ledger.sqlite");
  const store = sqliteStore({ file, busyTimeoutMillis: 50 });
  const ledger = createLedger({ store, spool: openSpool({ directory: path.join(directory, "spool") }) });
  const remove = addUsageSink(ledger);
  let recorded = 0;
  const record = async (calls: number): Promise<void> => {
    for (let last = recorded + calls; recorded < last; recorded++) {
      withAttribution({ tenant: `tenant-${recorded % 3}`, employee: `employee-${recorded % 4}` }, () => {
        llm.record({
          provider: recorded % 2 === 0 ? "openai" : "anthropic",
          model: `model-${recorded % 3}`,
          inputTokens: recorded,
          outputTokens: recorded % 10,
          duration: 0.5,
          occurredAt: new Date(Date.now() - ((recorded * 977) % 60_000)),
          ...(recorded % 5 === 0 ? {} : { costUsd: 0.000_001 * (recorded + 1) }),
        });
        if (recorded % 3 === 0) task.record({ name: "ticket", status: "completed", duration: 1 });
        if (recorded % 4 === 0) tool.record({ tool: "search", status: "failed", duration: 0.1 });
      });
    }
    await ledger.flush(100);
  };

  await record(300);
  const other = new DatabaseSync(file);
  other.exec("pragma busy_timeout = 5000; begin immediate");
  await record(300);
  await until(() => ledger.status().state === "down", "the store to be away");
  await record(300);
  other.exec("rollback");
  other.close();
  await record(300);
  await until(() => ledger.status().waiting === 0 && ledger.status().queued === 0, "everything to arrive");
  expect(await ledger.flush()).toBe(true);

  const own = await readMeters(reader);
  const { written, duplicates, spooled } = ledger.status();
  const [tasks, tools] = [400, 300];
  expect(written).toBe(1_200 + tasks + tools);
  expect(spooled).toBeGreaterThan(0);
  expect(own).toMatchObject({
    "meterbridge.ledger.events written": written,
    "meterbridge.ledger.waiting": 0,
    "meterbridge.ledger.spooled": spooled,
  });
  expect(own["meterbridge.ledger.events duplicate"] ?? 0).toBe(duplicates);

  const { from, to } = wholeWindow();
  const meters = await modelMeters(reader);
  expect(meters).toHaveLength(6);
  const { clean, differences, checked } = await audit(store, { from, to, meters });
  expect(differences).toEqual([]);
  expect({ clean, rows: checked.rows, meters: checked.meters }).toEqual({ clean: true, rows: written, meters: 6 });
  const [first, ...others] = meters;
  const short = [{ ...first!, inputTokens: (first?.inputTokens ?? 0) - 1 }, ...others];
  expect((await audit(store, { from, to, meters: short })).differences).toHaveLength(1);
  remove();
  await ledger.close();
});

/** What a metrics backend would know of the model calls, by provider and model. */
async function modelMeters(reader: MetricReader): Promise<MeterTotals[]> {
  const told = await readMeters(reader);
  const places = ["openai", "anthropic"].flatMap((provider) =>
    ["model-0", "model-1", "model-2"].map((model) => ({ provider, model })),
  );
  return places.map(({ provider, model }) => ({
    provider,
    model,
    calls: told[`llm.requests ${provider} ${model} chat completed`] ?? 0,
    inputTokens: told[`gen_ai.client.inference.usage.input_tokens ${provider} chat ${model} unknown`] ?? 0,
    outputTokens: told[`gen_ai.client.inference.usage.output_tokens ${provider} chat ${model} unknown`] ?? 0,
    costUsd: told[`llm.cost ${provider} ${model}`] ?? 0,
    unpriced: told[`llm.unpriced ${provider} ${model}`] ?? 0,
  }));
}
