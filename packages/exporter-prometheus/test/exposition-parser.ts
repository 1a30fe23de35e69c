import type { ExpositionFormat } from "../src/index.ts";

export interface Sample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

export interface ParsedFamily {
  readonly name: string;
  type: string;
  help: string | undefined;
  unit: string | undefined;
  readonly samples: Sample[];
}

const name = "[a-zA-Z_][a-zA-Z0-9_]*";
const sampleLine = new RegExp(`^(${name})(?:\\{(.*)\\})? (NaN|[+-]Inf|-?[0-9][0-9.e+-]*)$`, "s");
const metaLine = new RegExp(`^# (HELP|TYPE|UNIT) (${name}) (.*)$`, "s");
const suffixes: Readonly<Record<string, readonly string[]>> = {
  counter: ["_total"],
  gauge: [""],
  unknown: [""],
  info: ["_info"],
  histogram: ["_bucket", "_sum", "_count"],
};

/**
 * A strict reader of both formats, made for tests: every line must be understood, and it throws on what Prometheus or a strict
 * OpenMetrics reader refuses: a bad name, a label twice, a series twice, a clash of family names, samples outside their
 * family, buckets that fall, a unit that is no suffix, a missing `# EOF`.
 */
export function parseExposition(text: string, format: ExpositionFormat): ParsedFamily[] {
  const openMetrics = format === "openmetrics";
  if (text !== "" && !text.endsWith("\n")) throw new Error("the last line has no end");
  const lines = text.split("\n").slice(0, -1);
  if (openMetrics && lines.pop() !== "# EOF") throw new Error("no # EOF at the end");

  const families = new Map<string, ParsedFamily>();
  const series = new Set<string>();
  let current: ParsedFamily | undefined;
  for (const line of lines) {
    const meta = metaLine.exec(line);
    if (meta !== null) {
      const [, keyword = "", familyName = "", rest = ""] = meta;
      if (current?.name !== familyName) {
        if (families.has(familyName)) throw new Error(`family twice: ${line}`);
        current = { name: familyName, type: "", help: undefined, unit: undefined, samples: [] };
        families.set(familyName, current);
      }
      if (current.samples.length > 0) throw new Error(`description after samples: ${line}`);
      applyMeta(current, keyword, rest, openMetrics);
      continue;
    }
    const sample = parseSample(line);
    if (current === undefined) throw new Error(`sample without a family: ${line}`);
    checkMembership(current, sample, openMetrics);
    const present = [...sample.labels].filter(([, value]) => value !== "").map((label) => JSON.stringify(label));
    const identity = [sample.name, ...present.toSorted(byCodeUnit)].join();
    if (series.has(identity)) throw new Error(`series twice: ${line}`);
    series.add(identity);
    current.samples.push(sample);
  }
  const parsed = [...families.values()];
  if (openMetrics) checkClashes(parsed);
  for (const family of parsed) if (family.type === "histogram") checkHistogram(family);
  return parsed;
}

const byCodeUnit = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);

/** The sum of all samples of one name. */
export function total(families: readonly ParsedFamily[], sampleName: string): number {
  return families
    .flatMap(({ samples }) => samples)
    .filter((sample) => sample.name === sampleName)
    .reduce((sum, { value }) => sum + value, 0);
}

function applyMeta(family: ParsedFamily, keyword: string, rest: string, openMetrics: boolean): void {
  if (keyword === "HELP") {
    if (family.help !== undefined) throw new Error(`HELP twice for ${family.name}`);
    family.help = unescapeText(rest, openMetrics ? '\\n"' : "\\n");
  } else if (keyword === "TYPE") {
    if (family.type !== "" || !(rest in suffixes)) throw new Error(`bad TYPE ${rest} for ${family.name}`);
    family.type = rest;
  } else {
    if (!openMetrics || !family.name.endsWith(`_${rest}`)) throw new Error(`bad UNIT ${rest} for ${family.name}`);
    family.unit = rest;
  }
}

function parseSample(line: string): Sample {
  const match = sampleLine.exec(line);
  if (match === null) throw new Error(`not understood: ${JSON.stringify(line)}`);
  const [, sampleName = "", labelText, valueText = ""] = match;
  if (labelText === "") throw new Error(`empty braces: ${line}`);
  const labels = labelText === undefined ? new Map<string, string>() : parseLabels(labelText);
  const value = Number(valueText.replace("Inf", "Infinity"));
  if (valueText !== "NaN" && Number.isNaN(value)) throw new Error(`bad value: ${line}`);
  return { name: sampleName, labels, value };
}

function parseLabels(text: string): Map<string, string> {
  const labels = new Map<string, string>();
  const one = new RegExp(`(${name})="((?:[^"\\\\\\n]|\\\\[\\\\"n])*)"(,|$)`, "sy");
  while (one.lastIndex < text.length) {
    const match = one.exec(text);
    if (match === null) throw new Error(`bad labels: ${text}`);
    const [, label = "", value = "", end] = match;
    if (labels.has(label)) throw new Error(`label ${label} twice: ${text}`);
    if (label.startsWith("__")) throw new Error(`reserved label ${label}`);
    if (end === "," && one.lastIndex === text.length) throw new Error(`comma at the end: ${text}`);
    labels.set(label, unescapeText(value, '\\n"'));
  }
  return labels;
}

function unescapeText(text: string, allowed: string): string {
  return text.replace(/\\(.?)/gs, (_, escaped: string) => {
    if (!(escaped === "n" || (escaped !== "" && allowed.includes(escaped)))) throw new Error(`bad escape: ${text}`);
    return escaped === "n" ? "\n" : escaped;
  });
}

function checkMembership(family: ParsedFamily, sample: Sample, openMetrics: boolean): void {
  const isTextTotal = !openMetrics && family.type === "counter" && family.name.endsWith("_total");
  const allowed = isTextTotal ? [""] : (suffixes[family.type] ?? []);
  if (!allowed.some((suffix) => sample.name === family.name + suffix)) {
    throw new Error(`sample ${sample.name} is not of the ${family.type} ${family.name}`);
  }
  const isTotal = family.type === "counter" || family.type === "histogram";
  if (openMetrics && isTotal && Number.isNaN(sample.value)) throw new Error(`${sample.name} is NaN`);
  if (openMetrics && family.type === "counter" && sample.value < 0) throw new Error(`${sample.name} is negative`);
  if (sample.labels.has("le") !== sample.name.endsWith("_bucket") && family.type === "histogram") {
    throw new Error(`le is on the wrong sample: ${sample.name}`);
  }
}

function checkClashes(families: readonly ParsedFamily[]): void {
  const taken = new Set<string>();
  for (const { name: familyName, type } of families) {
    const created = type === "counter" || type === "histogram" ? ["_created"] : [];
    for (const suffix of new Set(["", ...created, ...(suffixes[type] ?? [])])) {
      if (taken.has(familyName + suffix)) throw new Error(`names clash: ${familyName + suffix}`);
      taken.add(familyName + suffix);
    }
  }
}

function checkHistogram(family: ParsedFamily): void {
  const buckets = new Map<string, { previous: number; bound: number }>();
  const keyOf = (sample: Sample): string => JSON.stringify([...sample.labels].filter(([label]) => label !== "le"));
  for (const sample of family.samples.filter((one) => one.name.endsWith("_bucket"))) {
    const bound = Number(sample.labels.get("le")?.replace("Inf", "Infinity"));
    const before = buckets.get(keyOf(sample)) ?? { previous: 0, bound: -Infinity };
    if (!(bound > before.bound) || sample.value < before.previous) throw new Error(`buckets fall in ${family.name}`);
    buckets.set(keyOf(sample), { previous: sample.value, bound });
  }
  for (const sample of family.samples.filter((one) => one.name.endsWith("_count"))) {
    const last = buckets.get(keyOf(sample));
    if (last?.bound !== Infinity || last.previous !== sample.value) throw new Error(`no +Inf equal to ${sample.name}`);
  }
}
