import * as v from "valibot";
import { shown } from "../check-options.ts";
import { wrongParameter, type Refusal } from "./problem.ts";

/** The parameters of a route: a strict object of fields, so that what is misspelt is told. */
export type QuerySchema<Query> = v.GenericSchema<object, Query> & { readonly entries: v.ObjectEntries };

/** The parameters as the schema makes them. @throws Refusal 400 that names the parameter and says what is allowed. */
export function readQuery<Query>(schema: QuerySchema<Query>, query: URLSearchParams): Query {
  const given = new Map<string, string>();
  for (const [name, value] of query) {
    if (!Object.hasOwn(schema.entries, name)) throw unknown(name, Object.keys(schema.entries));
    if (given.has(name)) throw wrongParameter(name, `${name} is there more than once`, "one value");
    given.set(name, value);
  }
  const result = v.safeParse(schema, Object.fromEntries(given), { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  const name = String(issue.path?.[0]?.key);
  if (!given.has(name)) throw wrongParameter(name, `${name} is missing`, descriptionOf(schema.entries[name]));
  throw wrongParameter(
    name,
    `${name} ${issue.message}, found ${shown(given.get(name))}`,
    issue.message.replace("must be ", ""),
  );
}

function unknown(name: string, names: readonly string[]): Refusal {
  const message = `there is no parameter ${shown(name)}`;
  return names.length === 0
    ? wrongParameter(shownName(name), `${message}: this route takes none`, [])
    : wrongParameter(shownName(name), message, names);
}

/** Of a name that nobody has checked. */
function shownName(name: string): string {
  return shown(name).slice(1, -1);
}

function descriptionOf(field: unknown): string {
  return v.getDescription(field as v.GenericSchema) ?? "a value";
}
