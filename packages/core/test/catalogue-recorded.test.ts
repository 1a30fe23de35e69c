import { DataPointType } from "@opentelemetry/sdk-metrics";
import { expect, test } from "vitest";
import { catalogue } from "../src/catalogue.ts";
import { isOptional, kindOf } from "../src/meter-definition.ts";
import { startCore } from "./collecting.ts";

// What exporters and the ledger count is held to the catalogue by tests of the whole.
const recordedHere = catalogue.filter(({ name }) => !/^meterbridge\.(?:exporter|ledger|budget)\./.test(name));

test("every meter of the catalogue is recorded by some recorder, as it is described: none is dead, none is undescribed", async () => {
  const { core, collect } = startCore({ seriesLimits: { "checkpoint.created": 20 } });
  const call = { provider: "openai", model: "gpt-4o", inputTokens: 5, outputTokens: 5 } as const;
  core.llm.record({
    ...call,
    cacheReadTokens: 1,
    cacheWriteTokens: 1,
    reasoningTokens: 1,
    costUsd: 0.5,
    duration: 2,
    timeToFirstChunk: 1,
    timePerOutputChunk: 0.5,
    queueDuration: 1,
    contextSize: 1000,
    responseModel: "gpt-4o-2026",
    errorType: "Timeout",
  });
  core.llm.record(call);
  core.workflow.created("triage");
  core.workflow.start("triage").fail();
  const agent = core.agent.start("support");
  agent.node("plan").complete();
  agent.complete();
  core.tool.start("search").complete();
  core.task.start("refund").complete();
  for (let index = 0; index < 30; index++) core.checkpoint.created(`kind-${index}`);
  core.checkpoint.decided("refund", "expired");
  core.webhook.start("changed").complete();
  core.users.seen("ada");
  core.session.start().end();
  core.rag.record({ index: "handbook", status: "completed", duration: 1, documents: 3 });
  core.http.start({ method: "GET" }).end({ status: 500, route: "/" });
  core.http.recordClient({ method: "GET", address: "127.0.0.1", port: 80, errorType: "ECONNREFUSED", duration: 1 });
  core.database.record({ system: "redis", operation: "GET", collection: "keys", duration: NaN, errorType: "x" });
  core.database.record({ system: "redis", operation: "GET", collection: "keys", duration: 1, errorType: "x" });
  for (const side of ["client", "server"] as const) {
    core.mcp.record({ side, method: "tools/call", tool: "search", duration: 1, errorType: "timeout" });
    core.mcp.sessionEnded({ side, duration: 1, errorType: "timeout" });
  }

  const collection = await collect();
  expect([...collection.names].toSorted()).toEqual(recordedHere.map(({ name }) => name).toSorted());
  for (const meter of recordedHere) {
    const metric = collection.metric(meter.name)!;
    expect(metric.descriptor, meter.name).toMatchObject({ unit: meter.unit, description: meter.description });
    expect(metric.dataPointType, meter.name).toBe(dataPointTypes[meter.instrument]);
    for (const { attributes } of metric.dataPoints) {
      for (const [key, rule] of Object.entries(meter.attributes)) {
        const kind = kindOf(rule);
        if (!isOptional(rule)) expect(attributes, meter.name).toHaveProperty([key]);
        if (typeof kind === "object" && attributes[key] !== "other")
          expect(kind, meter.name).toContain(attributes[key]);
      }
      expect(
        Object.keys(attributes).filter((key) => !Object.hasOwn(meter.attributes, key)),
        meter.name,
      ).toEqual([]);
    }
    if (meter.instrument === "histogram") {
      expect(metric.dataPoints[0]!.value, meter.name).toMatchObject({ buckets: { boundaries: meter.buckets } });
    }
  }
});

const dataPointTypes = {
  counter: DataPointType.SUM,
  upDownCounter: DataPointType.SUM,
  gauge: DataPointType.GAUGE,
  observableGauge: DataPointType.GAUGE,
  observableUpDownCounter: DataPointType.SUM,
  histogram: DataPointType.HISTOGRAM,
} as const;
