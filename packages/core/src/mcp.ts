import { catalogueMeter } from "./catalogue.ts";
import type { CoreState } from "./core-state.ts";
import { createFamily } from "./family.ts";
import { guarded } from "./guard.ts";
import { mcpMethods } from "./mcp-meters.ts";
import { readFields } from "./reading.ts";

/** On which side of the connection. */
export type McpSide = "client" | "server";

/** A request of the Model Context Protocol that has ended. */
export interface McpOperation {
  readonly side: McpSide;
  /** `tools/call`, `resources/read`, … One that the protocol does not have is recorded as `other`. */
  readonly method: string;
  /** Seconds. */
  readonly duration: number;
  /** The tool's name, for `tools/call`. */
  readonly tool?: string | undefined;
  readonly errorType?: string | undefined;
}

/** A session that has ended. */
export interface McpSession {
  readonly side: McpSide;
  /** Seconds. */
  readonly duration: number;
  readonly errorType?: string | undefined;
}

export interface McpRecorder {
  /** Records a request's duration in `mcp.client.operation.duration` or `mcp.server.operation.duration`. */
  record(operation: McpOperation): void;
  /** Records a session's duration in `mcp.client.session.duration` or `mcp.server.session.duration`. */
  sessionEnded(session: McpSession): void;
}

export function createMcpRecorder(state: CoreState): McpRecorder {
  const seconds = (name: string) => createFamily(state, { members: { seconds: { meter: catalogueMeter(name) } } });
  const operations = {
    client: seconds("mcp.client.operation.duration"),
    server: seconds("mcp.server.operation.duration"),
  };
  const sessions = { client: seconds("mcp.client.session.duration"), server: seconds("mcp.server.session.duration") };
  return {
    record: guarded(state, "mcp.client.operation.duration", undefined, (operation: McpOperation) => {
      const { side, method, tool, errorType, duration } = readFields(state, "mcp operation", operation, (fields) => ({
        side: fields.side,
        method: fields.method,
        tool: fields.tool,
        errorType: fields.errorType,
        duration: fields.duration,
      }));
      const known = mcpMethods.includes(method) ? method : "other";
      operations[side].series([known, errorType, tool], state.attribution.labels()).cells.seconds(duration);
    }),
    sessionEnded: guarded(state, "mcp.client.session.duration", undefined, (session: McpSession) => {
      const { side, errorType, duration } = readFields(state, "mcp session", session, (fields) => ({
        side: fields.side,
        errorType: fields.errorType,
        duration: fields.duration,
      }));
      sessions[side].series([errorType], state.attribution.labels()).cells.seconds(duration);
    }),
  };
}
