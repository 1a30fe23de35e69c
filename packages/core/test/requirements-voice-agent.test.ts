import { DataPointType } from "@opentelemetry/sdk-metrics";
import { expect, test } from "vitest";
import { startCore } from "./collecting.ts";

test("B: counters, gauges and histograms of one's own are registered with labels, under the namespace", async () => {
  const { core, collect } = startCore({ namespace: "voice_agent" });
  const own = core.defineMeters({
    placed: {
      name: "orders.placed",
      instrument: "counter",
      unit: "{order}",
      description: "Orders placed",
      attributes: { channel: ["web", "phone"], shop: { kind: "string", optional: true } },
    },
    waiting: { name: "calls.waiting", instrument: "gauge", unit: "{call}", description: "Calls that wait" },
    spoken: { name: "speech.duration", instrument: "histogram", unit: "s", description: "Speech", buckets: [1, 10] },
  });
  own.placed.add(2, { channel: "web", shop: "north" });
  own.placed.add(1, { channel: "phone" });
  own.waiting.record(4);
  own.waiting.record(3);
  own.spoken.record(2.5);
  const collection = await collect();
  expect(collection.points("voice_agent.orders.placed")).toEqual([
    { attributes: { channel: "web", shop: "north" }, value: 2, count: 1 },
    { attributes: { channel: "phone" }, value: 1, count: 1 },
  ]);
  expect(collection.metric("voice_agent.calls.waiting")?.dataPointType).toBe(DataPointType.GAUGE);
  expect(collection.total("voice_agent.calls.waiting")).toBe(3);
  expect(collection.metric("voice_agent.speech.duration")).toMatchObject({
    descriptor: { unit: "s", description: "Speech" },
    dataPoints: [{ value: { count: 1, buckets: { boundaries: [1, 10], counts: [0, 1, 0] } } }],
  });
});

test("B: an observed gauge is fresh at each collection, without a background job", async () => {
  const { core, collect } = startCore();
  const { depth } = core.defineMeters({
    depth: { name: "queue.depth", instrument: "observableGauge", unit: "{job}", description: "Jobs that wait" },
  });
  let jobs = 5;
  depth.observe((observe) => observe(jobs));
  expect((await collect()).total("queue.depth")).toBe(5);
  jobs = 2;
  expect((await collect()).total("queue.depth")).toBe(2);
});

test("B: HTTP requests are metered by method, route and status, in flight and by duration", async () => {
  const { core, collect } = startCore();
  const request = core.http.start({ method: "get" });
  expect((await collect()).total("http.server.active_requests", { "http.request.method": "GET" })).toBe(1);
  request.end({ status: 200, route: "/users/:id" });
  core.http.record({ method: "POST", scheme: "https", status: 503, route: "/orders", duration: 0.25 });
  const collection = await collect();
  expect(collection.total("http.server.active_requests")).toBe(0);
  const duration = "http.server.request.duration";
  expect(collection.count(duration, { "http.route": "/users/:id", "http.response.status_code": 200 })).toBe(1);
  expect(
    collection.points(duration, { "http.request.method": "POST", "url.scheme": "https", "error.type": "503" }),
  ).toMatchObject([{ value: 0.25, count: 1 }]);
});

test("B: agent nodes are metered by agent, node and status", async () => {
  const { core, collect } = startCore();
  const run = core.agent.start("support");
  run.node("plan").complete();
  await run.measureNode("answer", async () => "hello");
  await run.measureNode("answer", () => Promise.reject(new RangeError("x"))).catch(() => {});
  run.complete();
  const collection = await collect();
  const nodes = "agent.node.executions";
  expect(collection.total(nodes, { agent: "support", node: "plan", status: "completed" })).toBe(1);
  expect(collection.total(nodes, { agent: "support", node: "answer", status: "completed" })).toBe(1);
  expect(collection.total(nodes, { agent: "support", node: "answer", status: "failed" })).toBe(1);
  expect(collection.count("agent.node.duration", { node: "answer" })).toBe(2);
});

test("B: tool calls are metered by tool and status, with their duration", async () => {
  const { core, collect } = startCore();
  core.tool.record({ tool: "search", status: "completed", duration: 0.5 });
  core.tool.record({ tool: "search", status: "failed", duration: 0.25, errorType: "Timeout" });
  const collection = await collect();
  expect(collection.total("tool.calls", { tool: "search", status: "completed" })).toBe(1);
  expect(collection.total("tool.calls", { tool: "search", status: "failed" })).toBe(1);
  expect(collection.total("gen_ai.execute_tool.duration", { "gen_ai.tool.name": "search" })).toBe(0.75);
  expect(collection.count("gen_ai.execute_tool.duration", { "error.type": "Timeout" })).toBe(1);
});

test("B: model calls are metered by provider, model and type of token", async () => {
  const { core, collect } = startCore({ genaiSemconv: "v1.41" });
  core.llm.record({ provider: "openai", model: "gpt-4o", inputTokens: 10, outputTokens: 4, duration: 2 });
  const collection = await collect();
  const call = { "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o" };
  expect(collection.total("gen_ai.client.token.usage", { ...call, "gen_ai.token.type": "input" })).toBe(10);
  expect(collection.total("gen_ai.client.token.usage", { ...call, "gen_ai.token.type": "output" })).toBe(4);
  expect(collection.total("gen_ai.client.operation.duration", call)).toBe(2);
});

test("B: database operations are metered by system and operation, failures apart", async () => {
  const { core, collect } = startCore();
  core.database.record({ system: "postgresql", operation: "SELECT", collection: "orders", duration: 0.25 });
  core.database.record({ system: "postgresql", operation: "SELECT", duration: 0.5, errorType: "57014" });
  const collection = await collect();
  const name = "db.client.operation.duration";
  expect(collection.total(name, { "db.system.name": "postgresql", "db.operation.name": "SELECT" })).toBe(0.75);
  expect(collection.count(name, { "db.collection.name": "orders" })).toBe(1);
  expect(collection.count(name, { "error.type": "57014" })).toBe(1);
});

test.each(["session_id", "user_id", "userId", "request.id", "customer_user_id", "user", "session"])(
  'B: the label "%s" is refused, else every user makes a series',
  (label) => {
    const { core } = startCore();
    expect(() =>
      core.defineMeters({
        clicks: {
          name: "clicks",
          instrument: "counter",
          unit: "{click}",
          description: "Clicks",
          attributes: { [label]: "string" },
        },
      }),
    ).toThrow(`[meterbridge] meter "clicks": attribute "${label}" has no bound`);
  },
);

test("B: what is metered about sessions and retrieval needs no id either", async () => {
  const { core, collect } = startCore();
  const session = core.session.start();
  core.session.start();
  session.end();
  session.end();
  await core.rag.measure("handbook", async () => ["a", "b", "c"]);
  core.rag.record({ index: "handbook", status: "failed", duration: 0.5 });
  const collection = await collect();
  expect(collection.total("session.created")).toBe(2);
  expect(collection.total("session.active")).toBe(1);
  expect(collection.count("session.duration")).toBe(1);
  expect(collection.total("rag.retrievals", { index: "handbook", status: "completed" })).toBe(1);
  expect(collection.total("rag.retrieval.documents", { status: "completed" })).toBe(3);
  expect(collection.count("rag.retrieval.duration")).toBe(2);
});
