import * as v from "valibot";
import type { EnvironmentVariable } from "./environment-variables.ts";
import { splitList } from "./parse-lists.ts";

/** What a variable may hold and what it means, with what the documentation says of it. */
export type Variable<Output> = v.OptionalSchema<v.GenericSchema<string, Output>, undefined>;

export function variable<Output>(
  schema: v.GenericSchema<string, Output>,
  documentation: Omit<EnvironmentVariable, "name">,
): Variable<Output> {
  return v.optional(v.pipe(schema, v.metadata({ ...documentation })));
}

export const names: v.GenericSchema<string, string[]> = v.pipe(v.string(), v.transform(splitList), v.minLength(1));
export const lowerCase: v.GenericSchema<string, string> = v.pipe(v.string(), v.toLowerCase());
export const trueOrFalse: v.GenericSchema<string, boolean> = v.pipe(
  lowerCase,
  v.picklist(["true", "false"]),
  v.transform((value) => value === "true"),
);
