import type { AnswerKind } from "./wire-format.ts";

/** How an answer is read by its content type: most formats stream server-sent events and else answer with JSON. */
export function answerKindOf(contentType: string): AnswerKind {
  const type = contentType.toLowerCase();
  if (type.startsWith("text/event-stream") || /^application\/(?:x-)?(?:ndjson|jsonl|json-?lines)/.test(type))
    return "stream";
  return /^(?:application|text)\/(?:[\w.-]+\+)?json/.test(type) ? "whole" : "opaque";
}
