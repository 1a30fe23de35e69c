import { JsonMetricsSerializer, ProtobufMetricsSerializer } from "@opentelemetry/otlp-transformer";
import type { ResourceMetrics } from "@opentelemetry/sdk-metrics";
import * as v from "valibot";
import { createMetricsEncoder, type MetricsEncoder } from "./encode-metrics.ts";
import { withSaneAttributes } from "./sane-attributes.ts";
import type { OtlpSettings } from "./settings.ts";

/** One protocol's way of writing metrics and reading answers. */
export interface Serialiser {
  readonly contentType: string;
  /**
   * @param index Which request of an export it is: its bytes resemble those of the same index of the export before.
   * @param inUse Whether bytes that were given earlier are still needed as they are.
   */
  serialise(metrics: ResourceMetrics, index: number, inUse: (bytes: Uint8Array) => boolean): Uint8Array;
  /** What a 2xx answer says it rejected (OTLP specification, "Partial Success"); no points when it cannot be read. */
  readRejection(answer: Uint8Array): Rejection;
}

export interface Rejection {
  readonly points: number;
  readonly message: string;
}

/** Protobuf is written by an encoder of our own, which keeps what it wrote; JSON and the answers by the official serialisers. */
export function createSerialiser(protocol: OtlpSettings["protocol"]): Serialiser {
  const isJson = protocol === "http/json";
  // The official JSON reader complains on diag about each answer that is no JSON, at every export.
  const read = isJson
    ? readJson
    : (answer: Uint8Array): unknown => ProtobufMetricsSerializer.deserializeResponse(answer);
  return {
    contentType: isJson ? "application/json" : "application/x-protobuf",
    serialise: isJson ? writeJson : createProtobufWriter(),
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

function writeJson(metrics: ResourceMetrics): Uint8Array {
  const body = JsonMetricsSerializer.serializeRequest(withSaneAttributes(metrics));
  if (body === undefined) throw new Error("the serialiser gave nothing to send");
  return body;
}

function createProtobufWriter(): Serialiser["serialise"] {
  const encoders: MetricsEncoder[] = [];
  return (metrics, index, inUse) => (encoders[index] ??= createMetricsEncoder()).encode(metrics, inUse);
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
