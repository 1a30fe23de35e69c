import type * as v from "valibot";
import type { Answer, AskedFor } from "../mountable.ts";
import type { UsageApiCaller } from "./caller.ts";
import type { QuerySchema } from "./read-query.ts";
import type { Sources } from "./sources.ts";

/** Everything there is to know of a route: the router, the OpenAPI description and the table in the documentation read this. */
export interface Route<Query = unknown> {
  /** Below where the API is mounted. */
  readonly path: `/${string}`;
  readonly operationId: string;
  /** One line. */
  readonly summary: string;
  readonly description?: string;
  /** The least that a caller needs. A tenant's caller sees its own tenant, whatever is asked. */
  readonly scope: UsageApiCaller["scope"];
  /** What the answer needs: 501 where there is none. */
  readonly needs: "meters" | "ledger" | "meters or ledger" | "prometheus" | "nothing";
  readonly query: QuerySchema<Query>;
  /** Of JSON its schema, of anything else its content type. */
  readonly answer: v.GenericSchema | string;
  readonly respond: (asked: Asked<Query>) => Promise<unknown>;
}

/** A question that has been checked: by somebody who may ask it, with parameters that make sense. */
export interface Asked<Query> {
  /** With the caller's own tenant in it, where the route takes one. */
  readonly query: Query;
  readonly caller: UsageApiCaller;
  readonly request: AskedFor;
  readonly sources: Sources;
  /** Whose days, where the query does not say. */
  readonly timeZone: string;
  /** The OpenAPI description of all routes. */
  readonly describe: () => Promise<object>;
}

/** A route whose answer is no JSON answers with this. */
export type RawAnswer = Answer;

/** Ties a route's query schema to the function that reads the query. */
export function route<Query>(given: Route<Query>): Route {
  return given as unknown as Route;
}
