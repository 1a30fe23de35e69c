import type { PriceBook } from "./price-book.ts";

/** What of the attribution may become a label. Users, sessions and requests never do: they have no bound. */
export type AttributionLabel = "tenant" | "employee" | "project";

/** Which names model calls are recorded under. See {@link CoreOptions.genaiSemconv}. */
export type GenAiSemconv = "dup" | "latest" | "v1.41";

export interface CoreOptions {
  /**
   * Prefix of our own meters and of `defineMeters`: `voice_agent` makes `llm.cost` into `voice_agent.llm.cost`. Names of
   * the OpenTelemetry conventions (`gen_ai.*`, `http.*`, `db.*`) stay. Environment: `METERBRIDGE_NAMESPACE`.
   * @default ""
   */
  readonly namespace?: string;
  /**
   * Which parts of the attribution become labels of the meters. Environment: `METERBRIDGE_ATTRIBUTION_LABELS`.
   * @default ["tenant"]
   */
  readonly attributionLabels?: readonly AttributionLabel[];
  /**
   * Whether attribution is also put into OpenTelemetry baggage, and taken from it, so that it crosses services. Environment:
   * `METERBRIDGE_ATTRIBUTION_BAGGAGE`.
   * @default true
   */
  readonly attributionBaggage?: boolean;
  /**
   * Series a meter may have at a time, counted as OpenTelemetry counts its cardinality limit: one is kept for overflow.
   * Environment: `METERBRIDGE_SERIES_LIMIT`.
   * @default 2000
   */
  readonly seriesLimit?: number;
  /**
   * Limits of single meters by their name without the namespace, for example `{ "llm.cost": 10000 }`. Meters that one call
   * records with the same attributes, such as `llm.cost` and `llm.request.cost`, share the smallest limit set for one of them.
   * Environment: `METERBRIDGE_SERIES_LIMITS` (`llm.cost=10000,tool.calls=500`).
   * @default {}
   */
  readonly seriesLimits?: Readonly<Record<string, number>>;
  /**
   * Seconds that a full meter waits between two looks for idle series: one that was idle from one to the next makes room for a new
   * one, where the meter provider can forget it.
   * @default 900
   */
  readonly staleAfterSeconds?: number;
  /**
   * GenAI conventions: the newest names, those of v1.41, or both. Environment: `METERBRIDGE_GENAI_SEMCONV`, else
   * `OTEL_SEMCONV_STABILITY_OPT_IN`.
   * @default "dup"
   */
  readonly genaiSemconv?: GenAiSemconv;
  /**
   * What prices model calls. Without one every call is unpriced.
   * @default null
   */
  readonly priceBook?: PriceBook | null;
}

export type Settings = Required<CoreOptions>;

export const defaultSettings: Settings = {
  namespace: "",
  attributionLabels: ["tenant"],
  attributionBaggage: true,
  seriesLimit: 2000,
  seriesLimits: {},
  staleAfterSeconds: 900,
  genaiSemconv: "dup",
  priceBook: null,
};

/**
 * The settings with the options put over them. Throws when an option is wrong. (Checked by hand: core imports the
 * OpenTelemetry API and nothing else.)
 */
export function mergeSettings(settings: Settings, options: CoreOptions): Settings {
  if (typeof options !== "object" || options === null) {
    throw new Error(`[meterbridge] [core] configure() needs an object of options, found ${describe(options)}`);
  }
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const rule = isKnown(name) ? rules[name] : undefined;
    if (rule === undefined) throw wrong(name, `is unknown; known are ${Object.keys(rules).join(", ")}`);
    if (!rule.accepts(value)) throw wrong(name, `must be ${rule.allowed}, found ${describe(value)}`);
  }
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  return { ...settings, ...given };
}

interface Rule {
  accepts(value: unknown): boolean;
  readonly allowed: string;
}

const labels: readonly unknown[] = ["tenant", "employee", "project"];
const generations: readonly unknown[] = ["dup", "latest", "v1.41"];
const isLimit = (value: unknown): boolean => typeof value === "number" && Number.isInteger(value) && value >= 2;

const rules: Record<keyof CoreOptions, Rule> = {
  namespace: {
    accepts: (value) => typeof value === "string" && (value === "" || /^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$/i.test(value)),
    allowed: "letters, digits, dots and underscores, beginning with a letter",
  },
  attributionLabels: {
    accepts: (value) => Array.isArray(value) && value.every((label) => labels.includes(label)),
    allowed: `a list of ${labels.join(", ")} (user, session and request ids have no bound and cannot be labels)`,
  },
  attributionBaggage: { accepts: (value) => typeof value === "boolean", allowed: "true or false" },
  seriesLimit: { accepts: isLimit, allowed: "an integer of at least 2" },
  seriesLimits: {
    accepts: (value) => typeof value === "object" && value !== null && Object.values(value).every(isLimit),
    allowed: "an object of meter names to integers of at least 2",
  },
  staleAfterSeconds: {
    accepts: (value) => typeof value === "number" && Number.isFinite(value) && value > 0,
    allowed: "a number of seconds above 0",
  },
  genaiSemconv: { accepts: (value) => generations.includes(value), allowed: "dup, latest or v1.41" },
  priceBook: {
    accepts: (value) => value === null || isPriceBook(value),
    allowed: "a PriceBook (a name and a function price) or null",
  },
};

function isKnown(name: string): name is keyof CoreOptions {
  return Object.hasOwn(rules, name);
}

function isPriceBook(value: unknown): boolean {
  const { name, price } = Object(value) as Partial<PriceBook>;
  return typeof name === "string" && typeof price === "function";
}

function wrong(name: string, problem: string): Error {
  return new Error(`[meterbridge] [core] option "${name}" ${problem}`);
}

function describe(value: unknown): string {
  try {
    return JSON.stringify(value) ?? typeof value;
  } catch {
    return typeof value;
  }
}
