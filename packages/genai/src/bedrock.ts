export { type BedrockClient, meterBedrock } from "./adapters/bedrock.ts";
export { meterBedrockClients } from "./adapters/bedrock-clients.ts";
