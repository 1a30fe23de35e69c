import { expect, test } from "vitest";
import { createRequestReader, readStream } from "../../test/support/read-stream.ts";

const picture = "iVBORw0KGgo".repeat(300_000);
const line = (event: object): string => `data: ${JSON.stringify(event)}\n\n`;

/** As they come from the network. */
function pieces(text: string): Uint8Array[] {
  const bytes = Buffer.from(text);
  return Array.from({ length: Math.ceil(bytes.length / 65_536) }, (_, index) =>
    bytes.subarray(index * 65_536, (index + 1) * 65_536),
  );
}

test("a streamed picture of megabytes is not free: its usage stands in the same line", () => {
  const { route, facts } = createRequestReader("https://api.openai.com/v1/images/generations", {
    model: "gpt-image-1",
    prompt: "A cat",
    stream: true,
  });
  const usage = {
    input_tokens: 50,
    input_tokens_details: { text_tokens: 50, image_tokens: 0 },
    output_tokens: 4160,
    total_tokens: 4210,
  };
  const text = line({
    type: "image_generation.completed",
    b64_json: picture,
    quality: "high",
    output_format: "png",
    usage,
  });
  const { reader } = readStream(route, facts, pieces(text));
  expect(reader.unreadable()).toBeUndefined();
  expect(reader.ending(false)).toMatchObject({
    inputTokens: 50,
    outputTokens: 4160,
    outputByModality: { image: 4160 },
    usageSource: "provider",
  });
});

test("a response with a picture in it tells its usage", () => {
  const { route, facts } = createRequestReader("https://api.openai.com/v1/responses", {
    model: "gpt-5",
    input: "A cat",
    stream: true,
  });
  const item = { type: "image_generation_call", status: "completed", result: picture };
  const usage = { input_tokens: 9, output_tokens: 80, total_tokens: 89 };
  const text =
    line({ type: "response.output_item.done", item }) +
    line({ type: "response.completed", response: { model: "gpt-5-2026", output: [item], usage } });
  const { reader } = readStream(route, facts, pieces(text));
  expect(reader.ending(false)).toMatchObject({ inputTokens: 9, outputTokens: 80, usageSource: "provider" });
});

test.each(["sse", "json"])("a chunk of Gemini's with a picture in it tells its usage (%s)", (alt) => {
  const { route, facts } = createRequestReader(
    `https://generativelanguage.googleapis.com/v1beta/models/gemini-3-pro-image:streamGenerateContent?alt=${alt}`,
    { contents: [{ parts: [{ text: "A cat" }] }] },
  );
  const event = {
    candidates: [
      { content: { parts: [{ inlineData: { mimeType: "image/png", data: picture } }] }, finishReason: "STOP" },
    ],
    usageMetadata: { promptTokenCount: 4, candidatesTokenCount: 1290 },
    modelVersion: "gemini-3-pro-image",
  };
  const text = alt === "sse" ? line(event) : JSON.stringify([event], null, 1);
  const { reader } = readStream(route, facts, pieces(text));
  expect(reader.unreadable()).toBeUndefined();
  expect(reader.ending(false)).toMatchObject({ inputTokens: 4, outputTokens: 1290, usageSource: "provider" });
});
