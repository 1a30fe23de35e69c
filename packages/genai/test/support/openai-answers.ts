import {
  type Answer,
  type Asked,
  type Bill,
  content,
  defaultText,
  type Frame,
  other,
  type Reply,
  usageIn,
} from "./reply.ts";

const created = 1_790_000_000;

export function chatAnswer(reply: Reply, { body }: Asked): Answer {
  const text = reply.text ?? defaultText;
  const base = { id: "chatcmpl-1", created, model: reply.model ?? body["model"], ...tierOf(reply) };
  const usage = usageIn(reply, chatUsage);
  const finish = reply.toolCalls === undefined ? "stop" : "tool_calls";
  if (body["stream"] !== true) {
    const tool_calls = reply.toolCalls?.map((call, index) => ({
      id: `call_${index}`,
      type: "function",
      function: call,
    }));
    const message = { role: "assistant", content: text.join(""), refusal: null, ...(tool_calls && { tool_calls }) };
    const choices = [{ index: 0, message, logprobs: null, finish_reason: finish }];
    return { whole: { ...base, object: "chat.completion", choices, ...(usage !== undefined && { usage }) } };
  }

  const { include_usage: isAsked } = (body["stream_options"] ?? {}) as { include_usage?: boolean };
  const chunk = (delta: object, reason: string | null = null) => ({
    ...base,
    object: "chat.completion.chunk",
    choices: [{ index: 0, delta, logprobs: null, finish_reason: reason }],
    // OpenAI sends the member in every chunk when usage was asked for, and in none when it was not.
    ...(isAsked === true && { usage: null }),
  });
  const frames: Frame[] = [
    other(chunk({ role: "assistant", content: "" })),
    ...text.map((part) => content(chunk({ content: part }))),
    ...(reply.toolCalls ?? []).flatMap(({ name, arguments: given }, index) => [
      content(
        chunk({ tool_calls: [{ index, id: `call_${index}`, type: "function", function: { name, arguments: "" } }] }),
      ),
      ...halves(given).map((part) => content(chunk({ tool_calls: [{ index, function: { arguments: part } }] }))),
    ]),
    other(chunk({}, finish)),
  ];
  if (isAsked === true && usage !== undefined) {
    frames.push(other({ ...base, object: "chat.completion.chunk", choices: [], usage }));
  }
  frames.push({ text: "data: [DONE]", isContent: false });
  return { ...sse, frames };
}

/** Completions of plain text, the older API. */
export function textCompletionAnswer(reply: Reply, { body }: Asked): Answer {
  const base = { id: "cmpl-1", object: "text_completion", created, model: reply.model ?? body["model"] };
  const usage = usageIn(reply, chatUsage);
  const choices = [{ index: 0, text: (reply.text ?? defaultText).join(""), logprobs: null, finish_reason: "stop" }];
  return { whole: { ...base, choices, ...(usage !== undefined && { usage }) } };
}

export function responsesAnswer(reply: Reply, { body }: Asked): Answer {
  const text = reply.text ?? defaultText;
  const usage = usageIn(reply, responsesUsage);
  const part = (done: string) => ({ type: "output_text", text: done, annotations: [], logprobs: [] });
  const message = (parts: object[], status: string) => ({
    id: "msg_1",
    type: "message",
    role: "assistant",
    status,
    content: parts,
  });
  const calls = (reply.toolCalls ?? []).map((call, index) => ({
    id: `fc_${index}`,
    type: "function_call",
    call_id: `call_${index}`,
    status: "completed",
    ...call,
  }));
  const base = {
    id: "resp_1",
    object: "response",
    created_at: created,
    model: reply.model ?? body["model"],
    error: null,
    incomplete_details: null,
    instructions: null,
    metadata: {},
    parallel_tool_calls: true,
    tools: [],
    ...tierOf(reply),
  };
  const completed = {
    ...base,
    status: "completed",
    output: [message([part(text.join(""))], "completed"), ...calls],
    ...(usage !== undefined && { usage }),
  };
  if (body["stream"] !== true) return { whole: completed };

  let number = 0;
  const event = (type: string, fields: object, isContent = false): Frame => ({
    text: `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: number++, ...fields })}`,
    isContent,
  });
  const begun = { ...base, status: "in_progress", output: [], usage: null };
  const place = { item_id: "msg_1", output_index: 0, content_index: 0 };
  return {
    ...sse,
    frames: [
      event("response.created", { response: begun }),
      event("response.in_progress", { response: begun }),
      event("response.output_item.added", { output_index: 0, item: message([], "in_progress") }),
      event("response.content_part.added", { ...place, part: part("") }),
      ...text.map((delta) => event("response.output_text.delta", { ...place, delta, logprobs: [] }, true)),
      event("response.output_text.done", { ...place, text: text.join(""), logprobs: [] }),
      event("response.content_part.done", { ...place, part: part(text.join("")) }),
      event("response.output_item.done", { output_index: 0, item: completed.output[0] }),
      ...calls.flatMap((item, index) => [
        event("response.output_item.added", {
          output_index: index + 1,
          item: { ...item, arguments: "", status: "in_progress" },
        }),
        ...halves(item.arguments).map((delta) =>
          event("response.function_call_arguments.delta", { item_id: item.id, output_index: index + 1, delta }, true),
        ),
        event("response.function_call_arguments.done", {
          item_id: item.id,
          output_index: index + 1,
          arguments: item.arguments,
          name: item.name,
        }),
        event("response.output_item.done", { output_index: index + 1, item }),
      ]),
      event("response.completed", { response: completed }),
    ],
  };
}

export function embeddingsAnswer(reply: Reply, { body }: Asked): Answer {
  const inputs = Array.isArray(body["input"]) ? body["input"] : [body["input"]];
  // The client of OpenAI asks for base64 by itself.
  const embedding =
    body["encoding_format"] === "base64"
      ? Buffer.from(new Float32Array([0.5, -0.25]).buffer).toString("base64")
      : [0.5, -0.25];
  const usage = usageIn(reply, ({ input }) => ({ prompt_tokens: input, total_tokens: input }));
  const data = inputs.map((_input, index) => ({ object: "embedding", index, embedding }));
  return {
    whole: { object: "list", data, model: reply.model ?? body["model"], ...(usage !== undefined && { usage }) },
  };
}

export function imagesAnswer(reply: Reply, _asked: Asked): Answer {
  const usage = usageIn(reply, ({ input, output, imageInput = 0 }) => ({
    total_tokens: input + output,
    input_tokens: input,
    output_tokens: output,
    input_tokens_details: { text_tokens: input - imageInput, image_tokens: imageInput },
  }));
  return { whole: { created, data: [{ b64_json: "aGVsbG8=" }], ...(usage !== undefined && { usage }) } };
}

export function transcriptionAnswer(reply: Reply, _asked: Asked): Answer {
  const usage = usageIn(reply, ({ input, output, audioInput = input }) => ({
    type: "tokens",
    total_tokens: input + output,
    input_tokens: input,
    input_token_details: { text_tokens: input - audioInput, audio_tokens: audioInput },
    output_tokens: output,
  }));
  return { whole: { text: (reply.text ?? defaultText).join(""), ...(usage !== undefined && { usage }) } };
}

function chatUsage(bill: Bill): object {
  return {
    prompt_tokens: bill.input,
    completion_tokens: bill.output,
    total_tokens: bill.input + bill.output,
    prompt_tokens_details: {
      cached_tokens: bill.cacheRead ?? 0,
      audio_tokens: bill.audioInput ?? 0,
      ...(bill.cacheWrite !== undefined && { cache_write_tokens: bill.cacheWrite }),
    },
    completion_tokens_details: {
      reasoning_tokens: bill.reasoning ?? 0,
      audio_tokens: bill.audioOutput ?? 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
    ...(bill.costUsd !== undefined && { cost: bill.costUsd, cost_details: { upstream_inference_cost: null } }),
  };
}

function responsesUsage(bill: Bill): object {
  return {
    input_tokens: bill.input,
    input_tokens_details: { cached_tokens: bill.cacheRead ?? 0 },
    output_tokens: bill.output,
    output_tokens_details: { reasoning_tokens: bill.reasoning ?? 0 },
    total_tokens: bill.input + bill.output,
  };
}

const sse = { contentType: "text/event-stream", separator: "\n\n" };

function tierOf({ tier }: Reply): object {
  return tier === undefined ? {} : { service_tier: tier };
}

function halves(text: string): [string, string] {
  const middle = Math.ceil(text.length / 2);
  return [text.slice(0, middle), text.slice(middle)];
}
