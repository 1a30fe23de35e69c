import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { catalogue } from "@meterbridge/core";
import { createLedger, ledgerError, openSpool } from "@meterbridge/ledger";
import { memoryStore, usageEvent } from "@meterbridge/testkit";
import { diag, metrics } from "@opentelemetry/api";
import { MeterProvider, MetricReader } from "@opentelemetry/sdk-metrics";
import { afterEach, beforeEach, expect, test } from "vitest";
import { until } from "./support/servers.ts";

let directory: string;
beforeEach(() => (directory = mkdtempSync(path.join(tmpdir(), "ledger-meters-"))));
afterEach(() => {
  metrics.disable();
  diag.disable();
  rmSync(directory, { recursive: true });
});

test("what the ledger tells of itself stands in the catalogue as it is recorded, and adds up", async () => {
  const store = memoryStore();
  let fault: "none" | "away" | "refuses" = "none";
  const append = store.append.bind(store);
  const spool = openSpool({ directory: path.join(directory, "spool"), maxBytes: 40_000 });
  const ledger = createLedger({
    store: {
      ...store,
      append: (rows) =>
        fault === "none"
          ? append(rows)
          : Promise.reject(ledgerError(fault === "away" ? "unavailable" : "refused", "a fault of the test")),
    },
    spool,
    queueLimit: 100,
    batchSize: 10,
  });
  // Registered later than the ledger was made.
  const reader = provide();
  const write = (count: number): void => {
    for (let index = 0; index < count; index++) ledger.write(usageEvent({}));
  };

  const twice = usageEvent({});
  ledger.write(twice);
  ledger.write(twice);
  ledger.write(usageEvent({ inputTokens: -1 }));
  await ledger.flush();
  fault = "refuses";
  write(1);
  await ledger.flush();
  await store.retain(new Date());
  fault = "none";
  ledger.write(usageEvent({ eventId: "01890a5d-ac96-774b-bcce-b302099a8057" }));
  await ledger.flush();
  fault = "away";
  // More than spool and memory hold together.
  for (let round = 0; round < 10; round++) {
    write(50);
    await ledger.flush(50);
  }
  const during = await read(reader);
  const { lost, waiting, queued } = ledger.status();
  expect(lost).toBeGreaterThan(0);
  expect(during.get("meterbridge.ledger.waiting {}")).toBe(waiting + queued);
  fault = "none";
  await until(() => ledger.status().waiting + ledger.status().queued === 0, "all to be replayed");
  await ledger.close();

  const counted = await read(reader);
  expect(Object.fromEntries(counted)).toMatchObject({
    'meterbridge.ledger.events {"outcome":"duplicate"}': 1,
    'meterbridge.ledger.events {"outcome":"refused"}': 1,
    'meterbridge.ledger.events {"outcome":"expired"}': 1,
    'meterbridge.ledger.events {"outcome":"lost"}': lost,
    'meterbridge.ledger.events {"outcome":"written"}': 502 - lost,
    'meterbridge.ledger.fields.mended {"field":"inputTokens"}': 1,
    "meterbridge.ledger.waiting {}": 0,
  });
  expect(counted.get("meterbridge.ledger.replayed {}")).toBe(counted.get("meterbridge.ledger.spooled {}"));
  expect(counted.get('meterbridge.ledger.failures {"part":"store"}')).toBeGreaterThan(0);
  expect(counted.get('meterbridge.ledger.failures {"part":"spool"}')).toBeGreaterThan(0);

  const promised = catalogue.filter(({ name }) => name.startsWith("meterbridge.ledger."));
  const recorded = (await collect(reader)).map(({ descriptor: { name, unit, description }, dataPoints }) => {
    return { name, unit, description, attributes: Object.keys(dataPoints[0]?.attributes ?? {}) };
  });
  expect(recorded.toSorted(byName)).toEqual(
    promised
      .map(({ name, unit, description, attributes }) => {
        return { name, unit, description, attributes: Object.keys(attributes) };
      })
      .toSorted(byName),
  );
});

function provide(): PullReader {
  const reader = new PullReader();
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  return reader;
}

async function collect(reader: PullReader) {
  const { resourceMetrics } = await reader.collect();
  return resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
}

/** Values by name and attributes. */
async function read(reader: PullReader): Promise<Map<string, number>> {
  return new Map(
    (await collect(reader)).flatMap(({ descriptor: { name }, dataPoints }) =>
      dataPoints.map(({ attributes, value }) => [`${name} ${JSON.stringify(attributes)}`, Number(value)] as const),
    ),
  );
}

function byName(left: { readonly name: string }, right: { readonly name: string }): number {
  return left.name < right.name ? -1 : 1;
}

class PullReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}
