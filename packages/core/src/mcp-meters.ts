import { mcpSeconds } from "./buckets.ts";
import { histogram, optionalText, type MeterDefinition } from "./meter-definition.ts";
import { errorType, genAi, mcp } from "./semconv.ts";

/** The methods of the Model Context Protocol (schemas 2024-11-05 to 2026-07-28); anything else is `other`, so that a peer cannot make series. */
export const mcpMethods: readonly string[] = [
  "initialize",
  "ping",
  "tools/list",
  "tools/call",
  "resources/list",
  "resources/templates/list",
  "resources/read",
  "resources/subscribe",
  "resources/unsubscribe",
  "prompts/list",
  "prompts/get",
  "completion/complete",
  "logging/setLevel",
  "sampling/createMessage",
  "elicitation/create",
  "roots/list",
  "tasks/list",
  "tasks/get",
  "tasks/result",
  "tasks/cancel",
  "server/discover",
  "subscriptions/listen",
  "other",
];

const operation = { [mcp.method]: mcpMethods, [errorType]: optionalText, [genAi.tool]: optionalText };
const session = { [errorType]: optionalText };

/** The Model Context Protocol by the conventions (v1.41.0, mcp.md): what an operation asks for, never with what. */
export const mcpMeters: readonly MeterDefinition[] = [
  histogram(
    "mcp.client.operation.duration",
    "s",
    "Duration of an MCP request as its sender sees it",
    operation,
    mcpSeconds,
  ),
  histogram(
    "mcp.server.operation.duration",
    "s",
    "Duration of an MCP request as its receiver sees it",
    operation,
    mcpSeconds,
  ),
  histogram("mcp.client.session.duration", "s", "Duration of an MCP session on the client", session, mcpSeconds),
  histogram("mcp.server.session.duration", "s", "Duration of an MCP session on the server", session, mcpSeconds),
];
