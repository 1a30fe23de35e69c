import { type Answer, type Asked, type Bill, defaultText, type Frame, type Reply, usageIn } from "./reply.ts";

export function messagesAnswer(reply: Reply, { body }: Asked): Answer {
  const text = reply.text ?? defaultText;
  const usage = usageIn(reply, (bill) => usageOf(bill, reply.tier));
  const base = {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: reply.model ?? body["model"],
    stop_sequence: null,
  };
  const stop = reply.toolCalls === undefined ? "end_turn" : "tool_use";
  const thoughts =
    reply.thoughts === undefined ? [] : [{ type: "thinking", thinking: reply.thoughts.join(""), signature: "c2ln" }];
  const tools = (reply.toolCalls ?? []).map((call, index) => ({
    type: "tool_use",
    id: `toolu_${index}`,
    name: call.name,
    input: JSON.parse(call.arguments) as unknown,
  }));
  if (body["stream"] !== true) {
    const blocks = [...thoughts, { type: "text", text: text.join("") }, ...tools];
    return { whole: { ...base, content: blocks, stop_reason: stop, ...(usage !== undefined && { usage }) } };
  }

  let index = -1;
  const block = (begun: object, deltas: readonly object[]): Frame[] => {
    index += 1;
    return [
      event("content_block_start", { index, content_block: begun }),
      ...deltas.map((delta) => event("content_block_delta", { index, delta }, "isContent")),
      event("content_block_stop", { index }),
    ];
  };
  const atStart = reply.bill === null || "usage" in reply ? usage : { ...(usage as object), output_tokens: 1 };
  const frames = [
    event("message_start", {
      message: { ...base, content: [], stop_reason: null, ...(atStart !== undefined && { usage: atStart }) },
    }),
    event("ping", {}),
    ...(reply.thoughts === undefined
      ? []
      : block({ type: "thinking", thinking: "", signature: "" }, [
          ...reply.thoughts.map((thinking) => ({ type: "thinking_delta", thinking })),
          { type: "signature_delta", signature: "c2ln" },
        ])),
    ...block(
      { type: "text", text: "" },
      text.map((part) => ({ type: "text_delta", text: part })),
    ),
    ...tools.flatMap((tool, position) =>
      block({ ...tool, input: {} }, [
        { type: "input_json_delta", partial_json: reply.toolCalls?.[position]?.arguments },
      ]),
    ),
    event("message_delta", {
      delta: { stop_reason: stop, stop_sequence: null },
      ...(usage !== undefined && {
        usage: "usage" in reply ? usage : { output_tokens: (reply.bill ?? { output: 20 }).output },
      }),
    }),
    event("message_stop", {}),
  ];
  return { contentType: "text/event-stream", separator: "\n\n", frames };
}

/** Input beside what was read from the cache and written to it. */
function usageOf(bill: Bill, tier: string | undefined): object {
  const { cacheRead = 0, cacheWrite = 0, cacheWriteHour = 0 } = bill;
  return {
    input_tokens: bill.input - cacheRead - cacheWrite,
    cache_creation_input_tokens: cacheWrite,
    cache_read_input_tokens: cacheRead,
    cache_creation: {
      ephemeral_5m_input_tokens: cacheWrite - cacheWriteHour,
      ephemeral_1h_input_tokens: cacheWriteHour,
    },
    output_tokens: bill.output,
    service_tier: tier ?? "standard",
  };
}

function event(type: string, fields: object, isContent?: "isContent"): Frame {
  return { text: `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}`, isContent: isContent !== undefined };
}
