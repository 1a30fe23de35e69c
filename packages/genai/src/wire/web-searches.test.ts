import { expect, test } from "vitest";
import { createRequestReader, readStream, splitAt } from "../../test/support/read-stream.ts";

const sse = (...events: readonly object[]): Buffer =>
  Buffer.from(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(""));

const responses = createRequestReader("https://api.openai.com/v1/responses", {
  model: "gpt-5",
  input: "What is new?",
  stream: true,
});
const searched = {
  type: "web_search_call",
  id: "ws_1",
  status: "completed",
  action: { type: "search", query: "news" },
};
const events = [
  { type: "response.created", response: { model: "gpt-5-2026", status: "in_progress", output: [], usage: null } },
  { type: "response.output_item.added", item: { ...searched, status: "in_progress" } },
  { type: "response.web_search_call.searching", item_id: "ws_1" },
  { type: "response.output_item.done", item: searched },
  {
    type: "response.output_item.done",
    item: { ...searched, action: { type: "open_page", url: "https://example.com" } },
  },
  { type: "response.output_item.done", item: { ...searched, id: "ws_2" } },
  { type: "response.output_text.delta", delta: "Not much" },
];

test("searches of a response count, at its end and where it is cut after them", () => {
  const { route, facts } = responses;
  const usage = { input_tokens: 9000, output_tokens: 8 };
  const response = { model: "gpt-5-2026", output: [searched, { ...searched, id: "ws_2" }], usage };
  const whole = sse(...events, { type: "response.completed", response });
  for (const pieces of [[whole], splitAt(whole, [...whole.keys()])]) {
    expect(readStream(route, facts, pieces).reader.ending(false)).toMatchObject({
      inputTokens: 9000,
      webSearches: 2,
      usageSource: "provider",
    });
  }
  expect(readStream(route, facts, [sse(...events)]).reader.ending(true)).toMatchObject({
    outputTokens: 2,
    webSearches: 2,
    usageSource: "estimated",
  });
  const { reader } = readStream(route, facts, []);
  reader.readWhole(response);
  expect(reader.ending(false)).toMatchObject({ webSearches: 2 });
});

test("a search that the model only writes about is none", () => {
  const { route, facts } = responses;
  const delta = JSON.stringify({ type: "response.output_item.done", item: searched });
  const { reader } = readStream(route, facts, [sse({ type: "response.output_text.delta", delta })]);
  expect(reader.ending(true).webSearches).toBeUndefined();
});

test("searches by which Gemini grounds an answer count, though they are told before its last event", () => {
  const { route, facts } = createRequestReader(
    "https://generativelanguage.googleapis.com/v1beta/models/gemini-3-pro-preview:streamGenerateContent?alt=sse",
    { contents: [{ parts: [{ text: "What is new?" }] }] },
  );
  const part = (more: object, usage: object): object => ({
    candidates: [{ content: { parts: [{ text: "Not much" }] }, index: 0, ...more }],
    usageMetadata: { promptTokenCount: 4, ...usage },
    modelVersion: "gemini-3-pro-preview",
  });
  const bytes = sse(
    part({}, {}),
    part({ groundingMetadata: { webSearchQueries: ["news", "", "news today"] } }, {}),
    part({}, { candidatesTokenCount: 3 }),
    part({ finishReason: "STOP" }, { candidatesTokenCount: 5 }),
  );
  for (const pieces of [[bytes], splitAt(bytes, [...bytes.keys()])]) {
    expect(readStream(route, facts, pieces).reader.ending(false)).toMatchObject({ outputTokens: 5, webSearches: 2 });
  }
});
