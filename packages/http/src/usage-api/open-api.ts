import type { JsonSchema } from "@valibot/to-json-schema";
import type * as v from "valibot";
import type { Route } from "./route.ts";

/** The OpenAPI 3.1 description of the routes. What makes JSON schemas is loaded when somebody asks for it. */
export async function openApiDocument(routes: readonly Route[], basePath: string): Promise<object> {
  const { toJsonSchema } = await import("@valibot/to-json-schema");
  const schemaOf = (schema: v.GenericSchema): JsonSchema => {
    const { $schema: _draft, ...rest } = toJsonSchema(schema, {
      target: "draft-2020-12",
      typeMode: "output",
      // Checks of ours, which their descriptions tell.
      ignoreActions: ["check"],
    });
    return rest;
  };
  return {
    openapi: "3.1.1",
    info: {
      title: "Meterbridge usage API",
      version: "1.0.0",
      description:
        "Live figures of this process from its meters, and history from the usage ledger. Every route takes HEAD as it takes GET. " +
        "A tenant's token sees that tenant alone.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: basePath === "" ? "/" : basePath }],
    security: [{ bearer: [] }],
    tags: [...tags].map(([name, description]) => ({ name, description })),
    paths: Object.fromEntries(routes.map((each) => [each.path, { get: operationOf(each, schemaOf) }])),
    components: {
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          description:
            "An admin's or a tenant's token. Where none is configured, this machine alone is answered, without one.",
        },
      },
      schemas: {
        Problem: problem,
        ...Object.fromEntries(
          routes.flatMap(({ answer, operationId }) =>
            typeof answer === "string" ? [] : [[nameOf(operationId), schemaOf(answer)]],
          ),
        ),
      },
      responses: Object.fromEntries(
        Object.entries(refusals).map(([status, description]) => [`Problem${status}`, problemResponse(description)]),
      ),
    },
  };
}

function refusalsOf({ needs }: Route): readonly number[] {
  return [
    400,
    401,
    403,
    405,
    429,
    ...(needs === "ledger" || needs === "prometheus" || needs === "meters or ledger" ? [501] : []),
    ...(needs === "nothing" ? [] : [503]),
  ];
}

function operationOf(each: Route, schemaOf: (schema: v.GenericSchema) => JsonSchema): object {
  const { operationId, summary, description, scope, answer } = each;
  return {
    operationId,
    summary,
    description: [description, scope === "admin" ? "For administrators." : "With a tenant's token: of that tenant."]
      .filter(Boolean)
      .join(" "),
    tags: [tagOf(each)],
    parameters: parametersOf(each, schemaOf),
    responses: {
      200: {
        description: "The answer",
        content:
          typeof answer === "string"
            ? { [answer]: { schema: { type: "string" } } }
            : { "application/json": { schema: { $ref: `#/components/schemas/${nameOf(operationId)}` } } },
      },
      ...Object.fromEntries(
        refusalsOf(each).map((status) => [status, { $ref: `#/components/responses/Problem${status}` }]),
      ),
    },
  };
}

function parametersOf({ query }: Route, schemaOf: (schema: v.GenericSchema) => JsonSchema): readonly object[] {
  const { properties = {}, required = [] } = schemaOf(query) as {
    readonly properties?: Readonly<Record<string, JsonSchema>>;
    readonly required?: readonly string[];
  };
  return Object.entries(properties).map(([name, { description, default: usual, ...schema }]) => ({
    name,
    in: "query",
    description,
    required: required.includes(name) && name !== "tenant",
    // Defaults are texts, as everything in a query is.
    schema: { ...schema, ...(usual === undefined ? undefined : { default: typed(usual, schema.type) }) },
  }));
}

function typed(usual: unknown, type: unknown): unknown {
  return type === "integer" ? Number(usual) : usual;
}

function nameOf(operationId: string): string {
  return `${operationId.slice(0, 1).toUpperCase()}${operationId.slice(1)}`;
}

function tagOf({ needs }: Route): string {
  if (needs === "ledger") return "history";
  return needs === "meters" || needs === "meters or ledger" ? "live" : "service";
}

const tags: ReadonlyMap<string, string> = new Map([
  ["live", "Since the process began, of this process alone"],
  ["history", "From the usage ledger, exact"],
  ["service", "The exporter, and this description"],
]);

const refusals: Readonly<Record<number, string>> = {
  400: "A parameter is wrong: the answer says which, and what is allowed",
  401: "A valid credential is needed",
  403: "The credential is not for this",
  405: "Only GET and HEAD are allowed",
  429: "Too many requests: Retry-After says when to come again",
  501: "What the answer would be made of is not there: the answer says what to do",
  503: "It cannot be told at present: Retry-After says when to come again",
};

const problem = {
  type: "object",
  properties: {
    error: {
      type: "object",
      properties: {
        parameter: { type: "string", description: "The parameter that is wrong, where it is one." },
        message: { type: "string", description: "What is wrong, and what to do." },
        allowed: {
          description: "What the parameter may be, or what there is instead.",
          anyOf: [{ type: "string" }, { type: "array", items: { type: "string" } }],
        },
      },
      required: ["message"],
      additionalProperties: false,
    },
  },
  required: ["error"],
  additionalProperties: false,
} as const;

function problemResponse(description: string): object {
  return { description, content: { "application/json": { schema: { $ref: "#/components/schemas/Problem" } } } };
}
