import type { AttributionLabel, GenAiSemconv, LlmCall } from "@meterbridge/core";
import fc from "fast-check";
import { kinds, type Kind } from "./call-era.ts";

/** When the story begins. */
export const begin = 1_800_000_000_000;

const field = (usual: readonly unknown[], odd: readonly unknown[]): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 12, arbitrary: fc.constantFrom(...usual) }, { weight: 1, arbitrary: fc.constantFrom(...odd) });
const badAmounts = [-1, NaN, Infinity, -Infinity, 2 ** 53, 1e300, "5", null, 5n, -5n, 2n ** 60n, {}, true, 0.5];
const badLabels = [
  1,
  "1",
  true,
  "true",
  1n,
  null,
  undefined,
  NaN,
  {},
  Symbol("label"),
  "__proto__",
  "",
  "\ud800",
  "other",
];
/** The fields of a call, mostly usual ones. */
export const call: fc.Arbitrary<Record<string, unknown>> = fc.record({
  provider: field(["openai", "anthropic"], badLabels),
  model: field(["small", "large", "unknown"], badLabels),
  modelLabel: field(
    [undefined],
    badLabels.filter((label) => label !== null),
  ),
  operation: field([undefined, undefined, "chat", "embeddings"], badLabels),
  responseModel: field([undefined, "small-1"], badLabels),
  errorType: field([undefined, undefined, undefined, "429"], [429, ...badLabels]),
  status: field([undefined], ["failed", "cancelled", "completed", "weird", null, 5]),
  inputTokens: field([0, -0, 100, 1200, undefined], badAmounts),
  outputTokens: field([0, 80, 7], [undefined, ...badAmounts]),
  cacheReadTokens: field([undefined, undefined, 0, 60], badAmounts),
  cacheWriteTokens: field([undefined, undefined, 5], badAmounts),
  reasoningTokens: field([undefined, undefined, 7], badAmounts),
  duration: field([undefined, 0, 0.75, 12], badAmounts),
  queueDuration: field([undefined, undefined, 0.5], badAmounts),
  contextSize: field([undefined, undefined, 4096], badAmounts),
  costUsd: field([undefined], [0, 0.25, 8, -1, NaN, "5", null, 1e300]),
  inputByModality: field([undefined], [{ text: 60, image: 30 }, { audio: 5000 }, { text: NaN }, null, 5]),
  outputByModality: field([undefined], [{ audio: 7 }, {}]),
  cacheReadByModality: field([undefined], [{ text: 1 }]),
  occurredAt: field([undefined], [new Date(begin - 1000), "yesterday", new Date(NaN), null]),
  eventId: field([undefined], ["a-1", 5]),
});

/** How a call is handed over: each says the same. */
const shapes = ["plain", "class", "proxy", "frozen", "getters", "throwing"] as const;

/** The call as it is handed over. */
export function shaped(fields: Record<string, unknown>, shape: (typeof shapes)[number]): LlmCall {
  switch (shape) {
    case "class":
      return Object.create(fields) as LlmCall;
    case "proxy":
      return new Proxy(fields, {
        ownKeys: () => {
          throw new Error("hostile");
        },
      }) as unknown as LlmCall;
    case "frozen":
      return Object.freeze({ ...fields }) as unknown as LlmCall;
    case "getters": {
      const made = {};
      for (const [key, value] of Object.entries(fields)) Object.defineProperty(made, key, { get: () => value });
      return made as LlmCall;
    }
    case "throwing":
      return Object.defineProperty({ ...fields }, "duration", {
        enumerable: true,
        get: () => {
          throw new Error("hostile");
        },
      }) as unknown as LlmCall;
    default:
      return { ...fields } as unknown as LlmCall;
  }
}

export type Shape = (typeof shapes)[number];

/** What is configured. */
export interface RandomSettings {
  readonly namespace: string;
  readonly attributionLabels: AttributionLabel[];
  readonly genaiSemconv: GenAiSemconv;
  readonly book: string;
  readonly sink: string;
}

/** One thing that happens. */
export type Step =
  | {
      readonly call: number;
      readonly times: number;
      readonly tenant: unknown;
      readonly project: string | undefined;
      readonly shape: Shape;
    }
  | { readonly crowd: number }
  | { readonly reader: number }
  | { readonly settings: RandomSettings }
  | { readonly provider: Kind | "none" | "back" }
  | { readonly seconds: number };

const settings: fc.Arbitrary<RandomSettings> = fc.record({
  namespace: fc.constantFrom("", "", "app"),
  attributionLabels: fc.constantFrom<AttributionLabel[][]>(["tenant"], [], ["project", "tenant"]),
  genaiSemconv: fc.constantFrom<GenAiSemconv[]>("dup", "latest", "v1.41"),
  book: fc.constantFrom("none", "prices", "records", "configures"),
  sink: fc.constantFrom("none", "none", "listens", "records"),
});
/** What happens between readings. */
export const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 30,
    arbitrary: fc.record({
      call: fc.nat(5),
      times: fc.integer({ min: 1, max: 4 }),
      tenant: fc.constantFrom(undefined, "acme", "zeta", 1, "1", "__proto__"),
      project: fc.constantFrom(undefined, undefined, "x"),
      shape: fc.constantFrom(...shapes),
    }),
  },
  { weight: 4, arbitrary: fc.record({ crowd: fc.integer({ min: 1, max: 30 }) }) },
  { weight: 4, arbitrary: fc.record({ reader: fc.nat(1) }) },
  { weight: 3, arbitrary: fc.record({ settings }) },
  {
    weight: 2,
    arbitrary: fc.record({ provider: fc.constantFrom<(Kind | "none" | "back")[]>(...kinds, "none", "back") }),
  },
  { weight: 4, arbitrary: fc.record({ seconds: fc.constantFrom(1, 400, 700) }) },
);
