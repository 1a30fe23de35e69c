import { expect, test } from "vitest";
import { createRequestReader, readStream } from "../../test/support/read-stream.ts";

test("a response that is made in the background is not taken for one without output: its price would be too low", () => {
  const { route, facts } = createRequestReader("https://api.openai.com/v1/responses", {
    model: "o3-deep-research",
    input: "Find out everything",
    background: true,
  });
  for (const status of ["queued", "in_progress"]) {
    const { reader } = readStream(route, facts, []);
    reader.readWhole({ model: "o3-deep-research-2025", status, output: [], usage: null, error: null });
    expect(reader.ending(false)).toMatchObject({ responseModel: "o3-deep-research-2025", usageSource: "none" });
    expect(reader.ending(false).inputTokens).toBeUndefined();
  }
  const { reader } = readStream(route, facts, []);
  reader.readWhole({ status: "completed", output: [], usage: { input_tokens: 5, output_tokens: 7 } });
  expect(reader.ending(false)).toMatchObject({ inputTokens: 5, outputTokens: 7, usageSource: "provider" });
});
