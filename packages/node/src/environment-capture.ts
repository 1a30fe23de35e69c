import * as v from "valibot";
import { lowerCase, names, trueOrFalse, type Variable, variable } from "./environment-values.ts";
import type { CaptureDoor } from "./environment-variables.ts";
import { parsePairs } from "./parse-lists.ts";

/** The variables of capture. */
export const captureVariables: {
  METERBRIDGE_CAPTURE: Variable<readonly CaptureDoor[]>;
  METERBRIDGE_CAPTURE_ASK_FOR_USAGE: Variable<boolean>;
  METERBRIDGE_CAPTURE_HOSTS: Variable<Readonly<Record<string, string>>>;
  METERBRIDGE_CAPTURE_MODELS: Variable<readonly string[]>;
  METERBRIDGE_CAPTURE_TOKENIZER: Variable<"auto" | "characters">;
  METERBRIDGE_PRICES_FILE: Variable<string>;
} = {
  METERBRIDGE_CAPTURE: variable(
    v.pipe(
      names,
      v.array(v.picklist(["fetch", "spans", "none"])),
      v.check((list) => list.length === 1 || !list.includes("none")),
      v.transform((list) => list.filter((door): door is CaptureDoor => door !== "none")),
    ),
    {
      sets: "By what model calls are metered without a word in the application ([capture](capture.md)): requests of `fetch`, spans of frameworks.",
      allowed: "a comma-separated list of fetch, spans, or none",
      otherwise: "`fetch,spans`",
    },
  ),
  METERBRIDGE_CAPTURE_ASK_FOR_USAGE: variable(trueOrFalse, {
    sets: "Whether streams are asked for their usage where the caller did not ask; what is sent for that is hidden from it.",
    allowed: "true or false",
    otherwise: "`true`",
  }),
  METERBRIDGE_CAPTURE_HOSTS: variable(v.pipe(v.string(), v.rawTransform(parsePairs)), {
    sets: "Hosts of yours that speak a known provider's language, such as `llm.internal=openai`.",
    allowed: "a comma-separated list of host=provider",
    otherwise: "none",
  }),
  METERBRIDGE_CAPTURE_MODELS: variable(names, {
    sets: "Models whose names are labels even before a provider has answered to them.",
    allowed: "a comma-separated list of names of models",
    otherwise: "those of the price book",
  }),
  METERBRIDGE_CAPTURE_TOKENIZER: variable(v.pipe(lowerCase, v.picklist(["auto", "characters"])), {
    sets: "What counts tokens where a provider tells none: the application's own tokenizer library where it has one, or characters.",
    allowed: "auto or characters",
    otherwise: "`auto`",
  }),
  METERBRIDGE_PRICES_FILE: variable(v.string(), {
    sets: "A JSON file of prices of your own, which go before those of the price book ([prices](prices.md)).",
    allowed: "a path",
    otherwise: "none",
  }),
};
