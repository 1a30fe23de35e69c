/** A meter as it is defined: those of `defineMeters()` and of core's catalogue have this shape. */
export interface LintedMeter {
  readonly name: string;
  readonly instrument: string;
  readonly unit: string;
  readonly description: string;
  readonly attributes?: Readonly<Record<string, unknown>>;
  readonly buckets?: readonly number[];
}

/** What is wrong with one meter. */
export interface MeterFinding {
  readonly meter: string;
  /** Kebab-case name of the rule, for example `"unit-in-name"`. */
  readonly rule: string;
  /** What was found, and what to do. */
  readonly message: string;
}

/**
 * Holds meters to the naming rules of OpenTelemetry (semantic conventions, "Metrics" and "Naming") and to what keeps a backend affordable.
 * Gives what is wrong, in the order of the meters.
 */
export function lintMeters(meters: Iterable<LintedMeter>): readonly MeterFinding[] {
  const all = [...meters];
  return all.flatMap((meter) =>
    Object.entries(rules).flatMap(([rule, check]) =>
      check(meter, all).map((message) => ({ meter: meter.name, rule, message })),
    ),
  );
}

type Rule = (meter: LintedMeter, all: readonly LintedMeter[]) => readonly string[];

const rules: Readonly<Record<string, Rule>> = {
  "name-form": nameForm,
  "unit-in-name": unitInName,
  "total-in-name": totalInName,
  "unit-form": unitForm,
  "duration-unit": durationUnit,
  "no-description": noDescription,
  "attribute-form": attributeForm,
  "identity-attribute": identityAttribute,
  "no-buckets": noBuckets,
  "buckets-order": bucketsOrder,
  "name-taken": nameTaken,
  "name-is-namespace": nameIsNamespace,
};

const words = /^[a-z][a-z0-9]*(?:[._][a-z0-9]+)*$/;

function nameForm({ name }: LintedMeter): readonly string[] {
  return words.test(name) ? [] : [`must be lower case, with dots between parts and _ between words: ${snake(name)}`];
}

const unitWords: ReadonlySet<string> = new Set(
  "seconds milliseconds microseconds nanoseconds minutes hours ms us ns bytes kilobytes megabytes kib mib percent percentage usd eur dollars celsius".split(
    " ",
  ),
);

function unitInName({ name }: LintedMeter): readonly string[] {
  const last = name.split(/[._]/).at(-1) ?? "";
  return unitWords.has(last)
    ? [`leave out ${last}: exporters add the unit, found in the name it would be there twice`]
    : [];
}

function totalInName({ name }: LintedMeter): readonly string[] {
  return /[._](?:total|count)$/.test(name) ? [`leave out the end: exporters for Prometheus add _total and _count`] : [];
}

const ucum: Readonly<Record<string, string>> = {
  second: "s",
  sec: "s",
  millisecond: "ms",
  microsecond: "us",
  nanosecond: "ns",
  minute: "min",
  hour: "h",
  byte: "By",
  bytes: "By",
  b: "By",
  percent: "%",
  dollar: "USD",
  usd: "USD",
  celsius: "Cel",
};

/** UCUM, in which words stand in braces and in the singular. */
function unitForm({ unit }: LintedMeter): readonly string[] {
  if (unit === "") return ["has no unit: s, By, 1, or a word in braces such as {order}"];
  const code = ucum[unit.toLowerCase().replace(/s$/, "")];
  if (code !== undefined && code !== unit) return [`the unit ${unit} is ${code} in UCUM`];
  const [, word] = /^\{(\w+)\}$/.exec(unit) ?? [];
  if (word !== undefined && /[^su]s$/.test(word))
    return [`the unit ${unit} must be in the singular: {${singular(word)}}`];
  return [];
}

function durationUnit({ name, unit }: LintedMeter): readonly string[] {
  if (!/(?:^|[._])(?:duration|latency|time|uptime)$/.test(name) || unit === "s") return [];
  return [`a duration is told in s, found ${unit || "no unit"}`];
}

function noDescription({ description }: LintedMeter): readonly string[] {
  return description.trim() === ""
    ? ["has no description: dashboards show it, and nobody else will say what it counts"]
    : [];
}

function attributeForm({ attributes = {} }: LintedMeter): readonly string[] {
  return Object.keys(attributes).flatMap((attribute) =>
    words.test(attribute) ? [] : [`attribute ${attribute} must be lower case: ${snake(attribute)}`],
  );
}

const identities =
  /(?:^|[._])(?:user|session|request|trace|span|message|conversation|order|customer|account|execution|run|call|job|device)[._]?id$|(?:^|[._])(?:uuid|guid|email|ip|ip_address|url|query|timestamp|prompt|stack_?trace)$/;

function identityAttribute({ attributes = {} }: LintedMeter): readonly string[] {
  return Object.keys(attributes).flatMap((attribute) =>
    identities.test(snake(attribute))
      ? [
          `attribute ${attribute} has a new value each time, and each is a series of its own: put it into a log, a span or the ledger`,
        ]
      : [],
  );
}

function noBuckets({ instrument, buckets }: LintedMeter): readonly string[] {
  if (instrument !== "histogram" || (buckets !== undefined && buckets.length > 0)) return [];
  return ["a histogram needs buckets of its own: the SDK's defaults are for milliseconds"];
}

function bucketsOrder({ buckets = [] }: LintedMeter): readonly string[] {
  const isAscending = buckets.every(
    (bound, index) => Number.isFinite(bound) && (index === 0 || bound > buckets[index - 1]!),
  );
  return isAscending ? [] : ["buckets must be finite and ascend"];
}

/** Dots and underscores are the same to Prometheus. */
function nameTaken(meter: LintedMeter, all: readonly LintedMeter[]): readonly string[] {
  const other = all.find((each) => each !== meter && translated(each.name) === translated(meter.name));
  return other === undefined ? [] : [`is the same as ${other.name} to Prometheus`];
}

function nameIsNamespace({ name }: LintedMeter, all: readonly LintedMeter[]): readonly string[] {
  const inside = all.find((each) => each.name.startsWith(`${name}.`));
  return inside === undefined ? [] : [`is a namespace, too, that of ${inside.name}: give it one more part`];
}

function translated(name: string): string {
  return name.toLowerCase().replaceAll(/\W/g, "_");
}

function snake(name: string): string {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2")
    .toLowerCase()
    .replaceAll(/[^a-z0-9._]+/g, "_");
}

function singular(word: string): string {
  return word
    .replace(/(?<=[sxz]|[cs]h)es$/, "")
    .replace(/ies$/, "y")
    .replace(/([^s])s$/, "$1");
}
