import { JsonMetricsSerializer, ProtobufMetricsSerializer } from "@opentelemetry/otlp-transformer";
import type { ResourceMetrics } from "@opentelemetry/sdk-metrics";
import * as v from "valibot";
import type { OtlpSettings } from "./settings.ts";

/** One protocol's way of writing metrics and reading answers: the official serialisers. */
export interface Serialiser {
  readonly contentType: string;
  serialise(metrics: ResourceMetrics): Uint8Array;
  /** What a 2xx answer says it rejected (OTLP specification, "Partial Success"); no points when it cannot be read. */
  readRejection(answer: Uint8Array): Rejection;
}

export interface Rejection {
  readonly points: number;
  readonly message: string;
}

export function createSerialiser(protocol: OtlpSettings["protocol"]): Serialiser {
  const isJson = protocol === "http/json";
  const official = isJson ? JsonMetricsSerializer : ProtobufMetricsSerializer;
  // The official JSON reader complains on diag about each answer that is no JSON, at every export.
  const read = isJson ? readJson : (answer: Uint8Array): unknown => official.deserializeResponse(answer);
  return {
    contentType: isJson ? "application/json" : "application/x-protobuf",
    serialise(metrics) {
      const body = official.serializeRequest(metrics);
      if (body === undefined) throw new Error("the serialiser gave nothing to send");
      return body;
    },
    readRejection(answer) {
      try {
        const { rejectedDataPoints, errorMessage } = v.parse(exportAnswer, read(answer)).partialSuccess;
        return { points: Number(rejectedDataPoints) || 0, message: errorMessage };
      } catch {
        // A 2xx means taken, whatever the body is.
        return { points: 0, message: "" };
      }
    },
  };
}

const exportAnswer = v.object({
  partialSuccess: v.object({
    // An int64 is text in JSON.
    rejectedDataPoints: v.optional(v.union([v.number(), v.string()]), 0),
    errorMessage: v.optional(v.string(), ""),
  }),
});

function readJson(answer: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(answer));
}
