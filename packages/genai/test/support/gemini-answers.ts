import { type Answer, type Asked, type Bill, defaultText, type Frame, type Reply, usageIn } from "./reply.ts";

export function generateAnswer(reply: Reply, { path, query }: Asked): Answer {
  const text = reply.text ?? defaultText;
  const base = { modelVersion: reply.model ?? modelIn(path), responseId: "response-1" };
  const usage = usageIn(reply, (bill) => usageOf(bill, reply.tier));
  const calls = (reply.toolCalls ?? []).map(({ name, arguments: given }) => ({
    functionCall: { name, args: JSON.parse(given) as unknown },
  }));
  const thoughts = (reply.thoughts ?? []).map((thought) => ({ text: thought, thought: true }));
  const candidate = (parts: readonly object[], finishReason?: string) => ({
    candidates: [{ content: { role: "model", parts }, index: 0, ...(finishReason !== undefined && { finishReason }) }],
    ...base,
  });
  if (!path.endsWith(":streamGenerateContent")) {
    const parts = [...thoughts, { text: text.join("") }, ...calls];
    return { whole: { ...candidate(parts, "STOP"), ...(usage !== undefined && { usageMetadata: usage }) } };
  }

  const parts = [...thoughts, ...text.map((part) => ({ text: part })), ...calls];
  // Every chunk tells the usage so far; only the last tells all of it.
  const soFar =
    reply.bill === null || "usage" in reply
      ? undefined
      : usageOf({ input: (reply.bill ?? { input: 100 }).input, output: 0 }, undefined);
  const chunks = parts.map((part, index) =>
    index === parts.length - 1
      ? { ...candidate([part], "STOP"), ...(usage !== undefined && { usageMetadata: usage }) }
      : { ...candidate([part]), ...(soFar !== undefined && { usageMetadata: soFar }) },
  );
  if (query.get("alt") === "sse") {
    const frames = chunks.map((chunk): Frame => ({ text: `data: ${JSON.stringify(chunk)}`, isContent: true }));
    return { contentType: "text/event-stream", separator: "\r\n\r\n", frames };
  }
  const frames = chunks.map((chunk, index): Frame => {
    const text_ = JSON.stringify(chunk, null, 2);
    return { text: `${index === 0 ? "[" : ","}${text_}${index === chunks.length - 1 ? "]" : ""}`, isContent: true };
  });
  return { contentType: "application/json; charset=UTF-8", separator: "\r\n", frames };
}

/** The Gemini API tells no usage for embeddings. */
export function embedAnswer(_reply: Reply, { path, body }: Asked): Answer {
  const values = [0.5, -0.25];
  if (path.endsWith(":embedContent")) return { whole: { embedding: { values } } };
  const requests = Array.isArray(body["requests"]) ? body["requests"] : [];
  return { whole: { embeddings: requests.map(() => ({ values })) } };
}

/** Thoughts beside what the candidates took. */
function usageOf(bill: Bill, tier: string | undefined): object {
  const { cacheRead, reasoning = 0, audioInput = 0, imageInput = 0 } = bill;
  const details = [
    { modality: "TEXT", tokenCount: bill.input - audioInput - imageInput },
    ...(audioInput > 0 ? [{ modality: "AUDIO", tokenCount: audioInput }] : []),
    ...(imageInput > 0 ? [{ modality: "IMAGE", tokenCount: imageInput }] : []),
  ];
  return {
    promptTokenCount: bill.input,
    ...(bill.output > 0 && { candidatesTokenCount: bill.output - reasoning }),
    ...(reasoning > 0 && { thoughtsTokenCount: reasoning }),
    ...(cacheRead !== undefined && { cachedContentTokenCount: cacheRead }),
    totalTokenCount: bill.input + bill.output,
    promptTokensDetails: details,
    ...(tier !== undefined && { serviceTier: tier }),
  };
}

function modelIn(path: string): string {
  return /models\/([^:/]+)/.exec(path)?.[1] ?? "unknown";
}
