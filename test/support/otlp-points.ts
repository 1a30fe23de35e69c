import type { Attributes, AttributeValue } from "@opentelemetry/api";
import type { HttpRequest, Reading, ReceivedPoint } from "@meterbridge/testkit";
import { type Fields, readFields } from "../../packages/exporter-otlp/test/protobuf-fields.ts";

/** What an OTLP request tells, JSON or protobuf by its content type. */
export function otlpPoints({ headers, body }: HttpRequest): readonly ReceivedPoint[] {
  const type = headers["content-type"];
  if (type === "application/json") return fromJson(JSON.parse(String(body)) as JsonRequest);
  if (type === "application/x-protobuf") return fromProtobuf(readFields(body));
  throw new Error(`no OTLP: ${String(type)}`);
}

/** Says in both formats that one data point was refused. */
export const partialAnswers: Readonly<Record<"json" | "protobuf", string | Uint8Array>> = {
  json: JSON.stringify({ partialSuccess: { rejectedDataPoints: "1", errorMessage: "one point is too old" } }),
  // partial_success { rejected_data_points: 1, error_message: "old" }
  protobuf: Uint8Array.of(10, 7, 8, 1, 18, 3, 111, 108, 100),
};

interface JsonRequest {
  readonly resourceMetrics: readonly {
    readonly scopeMetrics: readonly { readonly metrics: readonly JsonMetric[] }[];
  }[];
}

interface JsonMetric {
  readonly name: string;
  readonly unit: string;
  readonly gauge?: JsonData;
  readonly sum?: JsonData;
  readonly histogram?: JsonData;
  readonly exponentialHistogram?: JsonData;
}

interface JsonData {
  readonly aggregationTemporality?: number;
  readonly dataPoints: readonly {
    readonly attributes: readonly { readonly key: string; readonly value: JsonValue }[];
    readonly asDouble?: number;
    readonly asInt?: number | string;
    readonly count?: number | string;
    readonly sum?: number;
  }[];
}

type JsonValue = Readonly<Record<string, string | number | boolean>>;

function fromJson({ resourceMetrics }: JsonRequest): ReceivedPoint[] {
  const metrics = resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
  return metrics.flatMap((metric) => {
    const data = metric.gauge ?? metric.sum ?? metric.histogram ?? metric.exponentialHistogram;
    return (data?.dataPoints ?? []).map((point) => ({
      name: metric.name,
      unit: metric.unit,
      attributes: Object.fromEntries(point.attributes.map(({ key, value }) => [key, ofJson(value)])),
      isDelta: data?.aggregationTemporality === delta,
      value:
        point.count === undefined
          ? Number(point.asDouble ?? point.asInt)
          : { count: Number(point.count), sum: point.sum! },
    }));
  });
}

const delta = 1;

function ofJson(value: JsonValue): AttributeValue {
  const [[kind, content] = ["", ""]] = Object.entries(value);
  return kind === "intValue" ? Number(content) : content;
}

function fromProtobuf(request: Fields): ReceivedPoint[] {
  const metrics = inner(request, 1).flatMap((resource) => inner(resource, 2).flatMap((scope) => inner(scope, 2)));
  return metrics.flatMap((metric) => {
    const name = text(metric, 1);
    return kinds.flatMap(({ field, temporalityField, attributesField, valueOf }) =>
      inner(metric, field).flatMap((data) =>
        inner(data, 1).map((point) => ({
          name,
          unit: text(metric, 3),
          attributes: attributesOf(inner(point, attributesField)),
          isDelta: Number(leaf(data, temporalityField)) === delta,
          value: valueOf(point),
        })),
      ),
    );
  });
}

/** Gauge, sum, histogram and exponential histogram, as opentelemetry/proto/metrics/v1/metrics.proto numbers them. */
const kinds: readonly {
  readonly field: number;
  readonly temporalityField: number;
  readonly attributesField: number;
  readonly valueOf: (point: Fields) => Reading;
}[] = [
  { field: 5, temporalityField: 2, attributesField: 7, valueOf: number },
  { field: 7, temporalityField: 2, attributesField: 7, valueOf: number },
  { field: 9, temporalityField: 2, attributesField: 9, valueOf: (point) => distribution(point) },
  { field: 10, temporalityField: 2, attributesField: 1, valueOf: (point) => distribution(point) },
];

function number(point: Fields): number {
  const double = leaf(point, 4);
  return double === undefined ? Number(bytes(leaf(point, 6)).readBigInt64LE()) : bytes(double).readDoubleLE();
}

function distribution(point: Fields): Reading {
  return {
    count: Number(bytes(leaf(point, 4)).readBigUInt64LE()),
    sum: bytes(leaf(point, 5)).readDoubleLE(),
  };
}

function attributesOf(pairs: readonly Fields[]): Attributes {
  return Object.fromEntries(pairs.map((pair) => [text(pair, 1), anyValue(readFields(bytes(leaf(pair, 2)), "value"))]));
}

/** opentelemetry/proto/common/v1/common.proto, `AnyValue`. */
function anyValue(fields: Fields): AttributeValue {
  const [[field, value] = [0, ""]] = fields;
  if (field === 1) return bytes(value).toString();
  if (field === 2) return value === "1";
  return field === 3 ? Number(value) : bytes(value).readDoubleLE();
}

function inner(fields: Fields, number_: number): Fields[] {
  return fields.flatMap(([field, value]) => (field === number_ && typeof value !== "string" ? [value] : []));
}

function leaf(fields: Fields, number_: number): string | Fields | undefined {
  return fields.find(([field]) => field === number_)?.[1];
}

function bytes(value: string | Fields | undefined): Buffer {
  if (typeof value !== "string") throw new Error("a field is missing");
  return Buffer.from(value, "hex");
}

function text(fields: Fields, field: number): string {
  return bytes(leaf(fields, field)).toString();
}
