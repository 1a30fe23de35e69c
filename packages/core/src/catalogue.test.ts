import { expect, test } from "vitest";
import { catalogue } from "./catalogue.ts";
import { kindOf } from "./meter-definition.ts";

test("every name is lower case words with dots and stands once, else exporters would merge or rename meters", () => {
  const names = catalogue.map(({ name }) => name);
  expect(names.filter((name) => !/^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$/.test(name))).toEqual([]);
  // Prometheus writes dots as underscores: names must differ then too.
  expect(new Set(names.map((name) => name.replaceAll(".", "_"))).size).toBe(names.length);
});

test("every unit is a UCUM unit in base form or an annotation, so that exporters can name and dashboards can scale it", () => {
  expect(
    catalogue.filter(({ unit }) => !/^(s|By|USD|1|\{[a-z_]+\})$/.test(unit)).map(({ name, unit }) => [name, unit]),
  ).toEqual([]);
  for (const { name, unit } of catalogue) {
    if (name.endsWith(".duration")) expect(unit, name).toBe("s");
    if (name.endsWith("tokens")) expect(unit, name).toBe("{token}");
  }
});

test("names leave units and totals to the exporters, which would write them twice", () => {
  expect(catalogue.filter(({ name }) => /(seconds|bytes|_total|\.total|\.count|milliseconds|_ms)$/.test(name))).toEqual(
    [],
  );
});

test("every meter says in one line what it tells", () => {
  expect(
    catalogue.filter(({ description }) => !/^[A-Z].{8,}[^.\s]$/.test(description)).map(({ name }) => name),
  ).toEqual([]);
});

test("histograms, and they alone, have buckets, finite and ascending", () => {
  for (const { name, instrument, buckets } of catalogue) {
    if (instrument !== "histogram") expect(buckets, name).toBeUndefined();
    else {
      expect(buckets!.length, name).toBeGreaterThan(2);
      expect(
        buckets!.every((bound, index) => Number.isFinite(bound) && (index === 0 || bound > buckets![index - 1]!)),
        name,
      ).toBe(true);
    }
  }
});

test("durations of model calls and agents reach past ten minutes, else reasoning models saturate the last bucket", () => {
  const timed = catalogue.filter(({ name }) => /^gen_ai.*(duration|chunk)$/.test(name));
  expect(timed.length).toBeGreaterThan(5);
  expect(timed.filter(({ buckets }) => buckets!.at(-1)! <= 600)).toEqual([]);
});

test("no meter has an attribute for users, sessions, requests or whatever else has no bound", () => {
  const keys = catalogue.flatMap(({ name, attributes }) => Object.keys(attributes).map((key) => `${name} ${key}`));
  expect(
    keys.filter((key) =>
      /(user|session|request|trace|conversation|message|execution)[._]?(id)?$/i.test(key.split(" ")[1]!),
    ),
  ).toEqual([]);
  // Budgets name whom they are for; the ledger observes the 200 fullest alone.
  const withoutBudgets = keys.filter((key) => !key.startsWith("meterbridge.budget."));
  expect(withoutBudgets.filter((key) => /\b(path|url\.full|tenant|employee)$/.test(key))).toEqual([]);
});

test("every closed attribute is a list of distinct words", () => {
  const lists = catalogue
    .flatMap(({ attributes }) => Object.values(attributes).map(kindOf))
    .filter((kind) => typeof kind === "object");
  expect(lists.length).toBeGreaterThan(10);
  expect(
    lists.filter((words) => words.length === 0 || new Set(words).size < words.length || words.includes("")),
  ).toEqual([]);
});

test("every meter that the design names is there", () => {
  const expected = Object.entries(designed).flatMap(([instrument, names]) =>
    names
      .trim()
      .split(/\s+/)
      .map((name) => [name, instrument] as const),
  );
  const instruments = new Map(catalogue.map(({ name, instrument }) => [name, instrument]));
  expect(expected.filter(([name, instrument]) => instruments.get(name) !== instrument)).toEqual([]);
});

const designed = {
  counter: `
    gen_ai.client.inference.usage.input_tokens gen_ai.client.inference.usage.output_tokens
    gen_ai.client.inference.usage.cache_read.input_tokens gen_ai.client.inference.usage.cache_write.input_tokens
    gen_ai.client.inference.usage.reasoning.output_tokens
    llm.requests llm.cost llm.unpriced workflow.created workflow.executions agent.executions agent.node.executions tool.calls
    task.completed checkpoint.created checkpoint.decided webhook.sent session.created rag.retrievals
    meterbridge.series.dropped meterbridge.values.refused`,
  upDownCounter: "workflow.active agent.active session.active",
  observableUpDownCounter: "http.server.active_requests",
  observableGauge: "task.success_ratio user.active",
  histogram: `
    gen_ai.client.inference.duration gen_ai.client.inference.time_to_first_chunk
    gen_ai.client.inference.time_per_output_chunk gen_ai.client.inference.operation.input_tokens
    gen_ai.client.inference.operation.output_tokens gen_ai.client.operation.duration gen_ai.client.token.usage
    gen_ai.invoke_workflow.duration gen_ai.invoke_agent.duration gen_ai.execute_tool.duration
    llm.request.cost llm.queue.duration llm.context.size agent.node.duration task.duration webhook.duration
    session.duration rag.retrieval.duration rag.retrieval.documents
    http.server.request.duration http.client.request.duration db.client.operation.duration`,
};
