export { type McpPeer, meterMcpClient, meterMcpServer } from "./adapters/mcp.ts";
