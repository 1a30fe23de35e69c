import { ValueType } from "@opentelemetry/api";
import { catalogue, type AttributeRule, type MeterDefinition } from "@meterbridge/core";
import { render } from "@meterbridge/exporter-prometheus";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { AggregationTemporality, DataPointType, type MetricData } from "@opentelemetry/sdk-metrics";
import { expect, test } from "vitest";

test("docs/meters.md lists every meter of the catalogue as it is (renew it with: pnpm vitest run test/meters-table.test.ts --update)", async () => {
  await expect(page()).toMatchFileSnapshot("../docs/meters.md");
});

function page(): string {
  return `# The meters

Generated from the catalogue in \`packages/core/src\`. In brackets: the words a closed attribute allows. \`?\`: left out when it does
not apply. Meters whose name does not begin with \`gen_ai\`, \`mcp\`, \`http\`, \`db\` or \`meterbridge\` carry the namespace in front. Each meter
that is recorded, not observed, also carries the attribution labels (\`tenant\` by default); those of \`meterbridge.*\` do not.

| meter | instrument, unit | attributes | in Prometheus | what it tells |
| --- | --- | --- | --- | --- |
${catalogue.map(row).join("\n")}
`;
}

function row(meter: MeterDefinition): string {
  const { name, instrument, unit, description } = meter;
  const attributes = Object.entries(meter.attributes).map(([key, rule]) => attribute(key, rule));
  const cells = [
    `\`${name}\``,
    `${words[instrument]}, \`${unit}\``,
    attributes.join(", "),
    `\`${prometheusName(meter)}\``,
  ];
  return `| ${cells.join(" | ")} | ${description} |`;
}

const words = {
  counter: "counter",
  upDownCounter: "up-down counter",
  gauge: "gauge",
  histogram: "histogram",
  observableGauge: "observable gauge",
  observableUpDownCounter: "observable up-down counter",
} as const;

function attribute(key: string, rule: AttributeRule): string {
  const optional = typeof rule === "object" && "kind" in rule;
  const kind = optional ? rule.kind : rule;
  const allowed =
    typeof kind === "object" ? ` (${kind.length > 5 ? `${kind.slice(0, 4).join(", ")}, …` : kind.join(", ")})` : "";
  return `\`${key}\`${optional ? "?" : ""}${allowed}`;
}

/** As the exporter really names it: from the TYPE line of a page with this one meter. */
function prometheusName(meter: MeterDefinition): string {
  const common = {
    descriptor: { name: meter.name, unit: meter.unit, description: meter.description, valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
  const point = { startTime: [0, 0], endTime: [0, 0], attributes: {} } satisfies object;
  const number = { ...point, value: 1 };
  const histogram = { ...point, value: { buckets: { boundaries: [1], counts: [0, 0] }, count: 0, sum: 0 } };
  const data = {
    counter: { ...common, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints: [number] },
    upDownCounter: { ...common, dataPointType: DataPointType.SUM, isMonotonic: false, dataPoints: [number] },
    gauge: { ...common, dataPointType: DataPointType.GAUGE, dataPoints: [number] },
    observableGauge: { ...common, dataPointType: DataPointType.GAUGE, dataPoints: [number] },
    observableUpDownCounter: {
      ...common,
      dataPointType: DataPointType.SUM,
      isMonotonic: false,
      dataPoints: [number],
    },
    histogram: { ...common, dataPointType: DataPointType.HISTOGRAM, dataPoints: [histogram] },
  }[meter.instrument] as MetricData;
  const text = render({
    resource: resourceFromAttributes({}),
    scopeMetrics: [{ scope: { name: "table" }, metrics: [data] }],
  });
  return /^# TYPE (\S+)/m.exec(text)?.[1] ?? "?";
}
