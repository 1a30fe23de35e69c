export { type BedrockClient, meterBedrock } from "./adapters/bedrock.ts";
