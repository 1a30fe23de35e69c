import { type Answer, type Asked, type Bill, defaultText, type Frame, type Reply, usageIn } from "./reply.ts";

export function ollamaChatAnswer(reply: Reply, { path, body }: Asked): Answer {
  const text = reply.text ?? defaultText;
  const base = { model: reply.model ?? body["model"], created_at: "2026-11-01T12:00:00Z" };
  const usage = usageIn(reply, usageOf) ?? {};
  const said = (part: string, extra: object = {}) =>
    path.endsWith("/generate") ? { response: part } : { message: { role: "assistant", content: part, ...extra } };
  const calls = reply.toolCalls?.map(({ name, arguments: given }) => ({
    function: { name, arguments: JSON.parse(given) as unknown },
  }));
  const tools = calls === undefined ? {} : { tool_calls: calls };
  if (body["stream"] === false) {
    return { whole: { ...base, ...said(text.join(""), tools), done: true, done_reason: "stop", ...usage } };
  }
  const line = (value: object, isContent: boolean): Frame => ({
    text: JSON.stringify({ ...base, ...value }),
    isContent,
  });
  return {
    contentType: "application/x-ndjson",
    separator: "\n",
    frames: [
      ...text.map((part) => line({ ...said(part), done: false }, true)),
      ...(calls === undefined ? [] : [line({ ...said("", tools), done: false }, true)]),
      line({ ...said(""), done: true, done_reason: "stop", ...usage }, false),
    ],
  };
}

export function ollamaEmbedAnswer(reply: Reply, { body }: Asked): Answer {
  const usage = usageIn(reply, ({ input }) => ({ prompt_eval_count: input })) ?? {};
  return {
    whole: {
      model: reply.model ?? body["model"],
      embeddings: [[0.5, -0.25]],
      total_duration: 1,
      load_duration: 1,
      ...usage,
    },
  };
}

function usageOf({ input, output }: Bill): object {
  return {
    total_duration: 5,
    load_duration: 1,
    prompt_eval_count: input,
    prompt_eval_duration: 1,
    eval_count: output,
    eval_duration: 3,
  };
}
