import { prometheusWord } from "./prometheus-word.ts";

/**
 * The Prometheus word for an OpenTelemetry (UCUM) unit, or `""` for none: `s` → `seconds`, `By` → `bytes`, `1` → `ratio`,
 * `By/s` → `bytes_per_second`, `{token}` → `""`, `USD` → `usd`; any other unit keeps its letters and digits.
 *
 * Source: OpenTelemetry specification, Prometheus and OpenMetrics compatibility, "Metric Metadata".
 */
export function unitName(unit: string): string {
  // OpenTelemetry allows units of 63 characters.
  const plain = unit.slice(0, 255).replace(/\{[^}]*\}/g, "");
  const slash = plain.indexOf("/");
  if (slash === -1) return unitWord(plain, words);
  const over = unitWord(plain.slice(0, slash), words);
  const under = unitWord(plain.slice(slash + 1), wordsAfterPer);
  if (under === "") return over;
  return over === "" || over === "ratio" ? `per_${under}` : `${over}_per_${under}`;
}

function unitWord(unit: string, known: ReadonlyMap<string, string>): string {
  const trimmed = unit.trim();
  const word = known.get(trimmed);
  if (word !== undefined) return word;
  if (/^[A-Z]{3}$/.test(trimmed)) return trimmed.toLowerCase();
  return trimmed === "" ? "" : prometheusWord(trimmed).replace(/^_+|_+$/g, "");
}

const words: ReadonlyMap<string, string> = new Map([
  ["1", "ratio"],
  ["%", "percent"],
  ["d", "days"],
  ["h", "hours"],
  ["min", "minutes"],
  ["s", "seconds"],
  ["ms", "milliseconds"],
  ["us", "microseconds"],
  ["ns", "nanoseconds"],
  ["By", "bytes"],
  ["KiBy", "kibibytes"],
  ["MiBy", "mebibytes"],
  ["GiBy", "gibibytes"],
  ["TiBy", "tebibytes"],
  ["kBy", "kilobytes"],
  ["KBy", "kilobytes"],
  ["MBy", "megabytes"],
  ["GBy", "gigabytes"],
  ["TBy", "terabytes"],
  ["m", "meters"],
  ["V", "volts"],
  ["A", "amperes"],
  ["J", "joules"],
  ["W", "watts"],
  ["g", "grams"],
  ["Cel", "celsius"],
  ["Hz", "hertz"],
]);

const wordsAfterPer: ReadonlyMap<string, string> = new Map([
  ["s", "second"],
  ["ms", "millisecond"],
  ["m", "minute"],
  ["min", "minute"],
  ["h", "hour"],
  ["d", "day"],
  ["w", "week"],
  ["wk", "week"],
  ["mo", "month"],
  ["y", "year"],
  ["a", "year"],
  ["By", "byte"],
  ["1", ""],
]);
