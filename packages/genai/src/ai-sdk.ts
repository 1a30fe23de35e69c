export {
  meterEmbeddingModel,
  type MeterEmbeddingMiddleware,
  meterModel,
  type MeterModelMiddleware,
  type ModelIdentity,
} from "./adapters/ai-sdk.ts";
