import { context, type Context } from "@opentelemetry/api";
import { errorTypeOf, mcp, type McpSide } from "@meterbridge/core";

/** Watches one direction of requests over a connection: from the message that asks to the one that answers. */
export interface McpRequests {
  /** A message in the direction of the requests. */
  asked(message: unknown): void;
  /** A message in the other direction. */
  answered(message: unknown): void;
  /** The message could not be sent. */
  failed(message: unknown, error: unknown): void;
  /** The connection is gone: nothing more is answered. */
  closed(): void;
}

export function watchMcpRequests(side: McpSide): McpRequests {
  const open = new Map<unknown, OpenRequest>();

  function end(id: unknown, errorType: string | undefined): void {
    const request = open.get(id);
    if (request === undefined) return;
    open.delete(id);
    const { method, tool, begun, within } = request;
    const duration = (performance.now() - begun) / 1000;
    const label = tool === undefined ? undefined : toolLabel(tool, errorType === undefined);
    context.with(within, mcp.record, undefined, { side, method, duration, tool: label, errorType });
  }

  return {
    asked: (message) =>
      forEach(message, (each) => {
        const { id, method, params } = each;
        if (typeof method !== "string") return;
        // Whoever asked has given up: there will be no answer.
        if (method === "notifications/cancelled") return end(fieldsOf(params)["requestId"], "cancelled");
        // The client's second version asks for this before it listens to answers.
        if (id === undefined || method === "server/discover") return;
        const name = method === "tools/call" ? fieldsOf(params)["name"] : undefined;
        const tool = typeof name === "string" ? name : undefined;
        if (open.size >= mostOpen) open.delete(open.keys().next().value);
        open.set(id, { method, tool, begun: performance.now(), within: context.active() });
      }),
    answered: (message) =>
      forEach(message, ({ id, method, result, error }) => {
        if (method !== undefined || id === undefined) return;
        if (error === undefined) return end(id, fieldsOf(result)["isError"] === true ? "tool_error" : undefined);
        const { code } = fieldsOf(error);
        end(id, typeof code === "number" ? String(code) : "error");
      }),
    failed: (message, error) => forEach(message, ({ id }) => end(id, errorTypeOf(error))),
    closed() {
      for (const id of open.keys()) end(id, "connection_closed");
    },
  };
}

interface OpenRequest {
  readonly method: string;
  readonly tool: string | undefined;
  readonly begun: number;
  readonly within: Context;
}

/** A peer that answers nothing must not fill the memory. */
const mostOpen = 10_000;

type Fields = Readonly<Record<string, unknown>>;

/** Messages come alone or, in older versions of the protocol, as a list. */
function forEach(message: unknown, work: (message: Fields) => void): void {
  for (const each of Array.isArray(message) ? (message as unknown[]) : [message]) work(fieldsOf(each));
}

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

/** Whoever asks may ask for any tool: a name is a label once such a tool has answered. */
function toolLabel(tool: string, isAnswered: boolean): string {
  if (isAnswered && answeredTools.size < 1000) answeredTools.add(tool);
  return answeredTools.has(tool) ? tool : "other";
}

const answeredTools = new Set<string>();
