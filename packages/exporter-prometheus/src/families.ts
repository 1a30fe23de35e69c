import { DataPointType, type MetricData, type ResourceMetrics, type ScopeMetrics } from "@opentelemetry/sdk-metrics";
import { labelValue } from "./label-values.ts";
import { exposedName, type MetricKind, unitWord } from "./metric-names.ts";
import { defaultNaming, type Naming } from "./naming.ts";

/** Metrics that are exposed under one name, with one HELP and one TYPE. */
export interface Family {
  /** Without the `_total` of a counter. */
  readonly name: string;
  /** What the samples of a counter or gauge are called: for a counter mostly with `_total`. */
  readonly sample: string;
  readonly kind: MetricKind;
  /** The unit suffix that `name` ends with, or `""`. */
  unit: string;
  help: string;
  /** The OpenTelemetry name of the metric that the family was made for. */
  readonly original: string;
  readonly members: Member[];
}

export interface Member {
  readonly metric: MetricData;
  readonly scope: ScopeMetrics["scope"];
}

/**
 * Groups metrics by the name they are exposed under, sorted by that name. Metrics of one kind and unit share a family. A metric
 * whose name is taken by another kind or unit gets a suffix, so that both stay visible, and `onWarning` is told.
 *
 * Who keeps a name depends on the metrics alone (counters before histograms, up-down counters and gauges, then by unit and
 * original name), never on the order they come in, so every instance of a service gives the same names.
 */
export function gatherFamilies(
  scopeMetrics: ResourceMetrics["scopeMetrics"],
  reservedNames: readonly string[],
  onWarning: (message: string) => void,
  naming: Naming = defaultNaming,
): Family[] {
  const families = new Map<string, Family & { declaredUnit: string }>();
  const owners = new Map<string, string>(reservedNames.map((name) => [name, "target information"]));

  for (const candidate of candidatesOf(scopeMetrics, naming)) {
    for (const name of namesToTry(candidate, families.get(candidate.family)?.kind)) {
      const existing = families.get(name);
      const sample = sampleName(name, candidate);
      if (existing !== undefined && existing.sample === sample && joins(existing, candidate)) {
        existing.declaredUnit ||= candidate.declaredUnit;
        existing.help ||= candidate.help;
        existing.unit ||= name === candidate.family ? candidate.unit : "";
        existing.members.push(candidate);
        break;
      }
      const claims = claimedNames(name, sample, candidate.kind);
      if (claims.some((claim) => owners.has(claim))) continue;

      if (name !== candidate.family) {
        const taken =
          claimedNames(candidate.family, candidate.sample, candidate.kind).find((claim) => owners.has(claim)) ?? "";
        onWarning(
          `metric "${candidate.original}" (${candidate.kind}) is exposed as "${name}", ` +
            `because the name "${taken}" is taken by ${owners.get(taken)}: rename one of them`,
        );
      }
      for (const claim of claims) owners.set(claim, `"${candidate.original}" (${candidate.kind})`);
      const { kind, help, original, declaredUnit } = candidate;
      const unit = name === candidate.family ? candidate.unit : "";
      families.set(name, { name, sample, kind, unit, help, original, declaredUnit, members: [candidate] });
      break;
    }
  }
  return [...families.values()].toSorted((left, right) => compare(left.name, right.name));
}

interface Candidate extends Member {
  readonly kind: MetricKind;
  readonly original: string;
  readonly family: string;
  readonly sample: string;
  readonly unit: string;
  readonly declaredUnit: string;
  readonly help: string;
}

const rank: Readonly<Record<MetricKind, number>> = { counter: 0, histogram: 1, up_down_counter: 2, gauge: 3 };

function candidatesOf(scopeMetrics: ResourceMetrics["scopeMetrics"], naming: Naming): Candidate[] {
  return scopeMetrics
    .flatMap(({ scope, metrics }) => metrics.map((metric) => candidateOf(metric, scope, naming)))
    .toSorted(
      (left, right) =>
        rank[left.kind] - rank[right.kind] ||
        compare(left.family, right.family) ||
        compare(left.declaredUnit, right.declaredUnit) ||
        compare(left.original, right.original),
    );
}

function candidateOf(metric: MetricData, scope: Member["scope"], naming: Naming): Candidate {
  const kind = kindOf(metric);
  // The texts come from application code, where TypeScript does not guard them always.
  const original = labelValue(metric.descriptor.name);
  const declared = labelValue(metric.descriptor.unit);
  const help = labelValue(metric.descriptor.description);
  const { family, sample, unit } = exposedName(original, declared, kind, naming);
  const isDimensionless = declared === "1" && unit === "";
  const declaredUnit = isDimensionless ? "" : declared;
  return { metric, scope, kind, original, family, sample, unit, declaredUnit, help };
}

function kindOf(metric: MetricData): MetricKind {
  switch (metric.dataPointType) {
    case DataPointType.SUM:
      return metric.isMonotonic ? "counter" : "up_down_counter";
    case DataPointType.GAUGE:
      return "gauge";
    default:
      return "histogram";
  }
}

/** A metric that declares no unit goes with any: its name says what is meant. */
function joins(family: { readonly kind: MetricKind; readonly declaredUnit: string }, candidate: Candidate): boolean {
  if (family.kind !== candidate.kind) return false;
  const units = new Set([family.declaredUnit, candidate.declaredUnit].filter((unit) => unit !== ""));
  return units.size < 2;
}

function* namesToTry({ family, kind, declaredUnit }: Candidate, takenBy: MetricKind | undefined): Generator<string> {
  yield family;
  const unit = takenBy === kind ? unitWord(declaredUnit) : "";
  if (unit !== "") yield `${family}_${unit}`;
  yield `${family}_${kind}`;
  for (let number = 2; ; number++) yield `${family}_${kind}_${number}`;
}

/** What samples of a family are called that may have had to take another name. */
function sampleName(name: string, { family, sample }: Candidate): string {
  return sample === family ? name : `${name}_total`;
}

/** Every name that a family's samples may have in any format, and its own. */
function claimedNames(name: string, sample: string, kind: MetricKind): string[] {
  switch (kind) {
    case "counter":
      return [name, sample, `${name}_created`];
    case "histogram":
      return [name, `${name}_bucket`, `${name}_sum`, `${name}_count`, `${name}_created`];
    default:
      return [name];
  }
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
