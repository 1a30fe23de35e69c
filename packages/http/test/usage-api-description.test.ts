import { readFile } from "node:fs/promises";
import { usageApi } from "@meterbridge/http";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { routes } from "../src/usage-api/routes.ts";
import { acmeToken, ask, tokens } from "./support/usage-client.ts";
import { november, runSdk, type TestSdk } from "./support/usage-sdk.ts";

interface Operation {
  readonly operationId: string;
  readonly parameters: readonly {
    readonly name: string;
    readonly required: boolean;
    readonly schema: Readonly<Record<string, unknown>>;
  }[];
  readonly responses: Readonly<
    Record<string, { readonly $ref?: string; readonly content?: Readonly<Record<string, { schema: object }>> }>
  >;
}

interface Document {
  readonly openapi: string;
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, { readonly get: Operation }>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

const api = usageApi({ tokens, basePath: "/api/v1/metrics", rateLimit: 0 });
let sdk: TestSdk;
let document: Document;

beforeAll(async () => {
  sdk = await runSdk({ events: november(), now: new Date("2026-11-20T23:50:00Z"), withPrometheus: true });
  document = (await api.openApi()) as Document;
});
afterAll(async () => await sdk.stop());

test("the description is valid OpenAPI 3.1", async () => {
  const validator = new Validator();
  const result = await validator.validate(structuredClone(document) as unknown as Record<string, unknown>);
  expect(result).toEqual({ valid: true });
  expect(validator.version).toBe("3.1");
});

test("the description that is served is the one that the program gives, for tenants too", async () => {
  expect((await ask(api, "/api/v1/metrics/openapi.json")).body).toEqual(document);
  expect((await ask(api, "/openapi.json", acmeToken)).body).toEqual(document);
  expect(document.servers).toEqual([{ url: "/api/v1/metrics" }]);
  expect(await usageApi().openApi()).toMatchObject({ servers: [{ url: "/" }] });
});

describe("the description and the router tell the same:", () => {
  test("every path that is described is answered, and every path that is answered is described", async () => {
    const { error } = (await ask(api, "/nothing")).body as { error: { allowed: string[] } };
    expect(Object.keys(document.paths)).toEqual(error.allowed);
    for (const path of Object.keys(document.paths)) {
      const { status } = await ask(api, `${path}${path === "/latest" ? "?tenant=acme" : ""}`);
      expect([path, status]).toEqual([path, 200]);
    }
  });

  test("every parameter that is described is taken, and every one that is taken is described", async () => {
    for (const [path, { get }] of Object.entries(document.paths)) {
      const described = get.parameters.map(({ name }) => name);
      const { error } = (await ask(api, `${path}?nothing=1`)).body as { error: { allowed: string[] } };
      expect([path, described]).toEqual([path, error.allowed]);
    }
  });

  test("what is described as allowed is taken, and what is not is refused", async () => {
    for (const [path, { get }] of Object.entries(document.paths)) {
      for (const { name, schema } of get.parameters) {
        const [allowed, refused] = samples(schema);
        for (const [values, isTaken] of [[allowed, true] as const, [refused, false] as const]) {
          for (const value of values) {
            const tenant = path === "/latest" && name !== "tenant" ? "&tenant=acme" : "";
            // A year by day is of one tenant, and a cursor is of one query: those are the ledger's rules.
            const also = name === "daily" ? "&month=11" : tenant;
            const { status } = await ask(api, `${path}?${name}=${encodeURIComponent(value)}${also}`);
            if (name === "cursor" || name === "from" || name === "to") continue;
            expect([path, name, value, status === 200]).toEqual([path, name, value, isTaken]);
          }
        }
      }
    }
  });

  test("a default that is described is the one that is taken", async () => {
    for (const [path, { get }] of Object.entries(document.paths)) {
      const defaults = get.parameters.filter(({ schema }) => schema["default"] !== undefined);
      const query = new URLSearchParams(
        Object.fromEntries(defaults.map(({ name, schema }) => [name, String(schema["default"])])),
      );
      if (path === "/latest") query.set("tenant", "acme");
      const bare = await ask(api, path === "/latest" ? `${path}?tenant=acme` : path);
      if (path !== "/prometheus" && path !== "/health/prometheus") {
        expect((await ask(api, `${path}?${query.toString()}`)).body).toEqual(bare.body);
      }
    }
  });

  test("each answer is what its schema says, and nothing besides", async () => {
    const ajv = new Ajv2020({ strict: false });
    ajv.addFormat("date-time", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/);
    ajv.addSchema(document, "openapi");
    const targets = [
      ...Object.keys(document.paths).map((path) => (path === "/latest" ? "/latest?tenant=acme" : path)),
      "/summary?project=search&from=2026-11-01&to=2026-11-10",
      "/usage?year=2026&month=11",
      "/timeline?step=hour&days=1",
      "/latest?tenant=globex&limit=2",
      "/top-tenants?by=calls&from=2026-11-01&to=2026-11-20",
    ];
    for (const token of [undefined, acmeToken]) {
      for (const target of targets) {
        const { status, body, headers } = await ask(api, target, token);
        const path = target.split("?")[0] ?? "";
        const answers = document.paths[path]?.get.responses;
        const pointer = `openapi#/paths/${path.replaceAll("/", "~1")}/get/responses/200/content`;
        if (status === 200 && answers?.["200"]?.content?.["application/json"] !== undefined) {
          const validate = ajv.getSchema(`${pointer}/application~1json/schema`) as ValidateFunction;
          validate(body);
          expect([target, validate.errors ?? []]).toEqual([target, []]);
          const { answer } = routes.find((each) => each.path === path) ?? {};
          if (typeof answer === "object") expect(v.safeParse(answer, body).issues).toBe(undefined);
        } else {
          expect(Object.keys(answers ?? {})).toContain(String(status));
          const contentType = headers.get("content-type") ?? "";
          if (status === 200) expect(contentType).toContain(Object.keys(answers?.["200"]?.content ?? {})[0]);
          else expect((ajv.getSchema("openapi#/components/schemas/Problem") as ValidateFunction)(body)).toBe(true);
        }
      }
    }
  });

  test("a schema that an answer breaks is noticed", () => {
    const ajv = new Ajv2020({ strict: false });
    ajv.addFormat("date-time", true);
    ajv.addSchema(document, "openapi");
    const validate = ajv.getSchema("openapi#/components/schemas/Overview") as ValidateFunction;
    expect(validate({ timeZone: "UTC", projects: 0 })).toBe(false);
  });
});

test("every route that a tenant may use takes the tenant, so that the router can put in the caller's own", () => {
  const open = routes.filter(({ scope, query }) => scope === "tenant" && !Object.hasOwn(query.entries, "tenant"));
  expect(open.map(({ path }) => path)).toEqual(["/openapi.json"]);
});

test("docs/usage-api.md has the routes as they are (renew it with: pnpm vitest run packages/http/test/usage-api-description.test.ts --update)", async () => {
  const file = new URL("../../../docs/usage-api.md", import.meta.url);
  const text = await readFile(file, "utf8");
  const [before = "", after = ""] = text.split(/(?<=<!-- routes -->\n)[^]*(?=<!-- \/routes -->)/);
  await expect(`${before}${table()}${after}`).toMatchFileSnapshot(file.pathname);
});

/** As the formatter would have it. */
function table(): string {
  const cells = [
    ["path", "what it tells", "least scope", "needs", "parameters"],
    ...routes.map(({ path, summary, scope, needs, query }) => [
      `\`${path}\``,
      summary,
      scope,
      needs,
      Object.keys(query.entries)
        .map((name) => `\`${name}\``)
        .join(", "),
    ]),
  ];
  const widths = cells[0]?.map((_title, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0))) ?? [];
  const [titles = "", ...rows] = cells.map(
    (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`,
  );
  const line = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return `\n${[titles, line, ...rows].join("\n")}\n\n`;
}

/** Values that a schema allows, and values that it does not. */
function samples(
  schema: Readonly<Record<string, unknown>>,
): readonly [allowed: readonly string[], refused: readonly string[]] {
  const { type, enum: values, minimum, maximum, maxLength } = schema;
  if (Array.isArray(values)) return [values.map(String), ["nothing", ""]];
  if (type === "boolean")
    return [
      ["true", "false"],
      ["1", ""],
    ];
  if (typeof minimum === "number" && typeof maximum === "number") {
    return [
      [String(minimum), String(maximum)],
      [String(minimum - 1), String(maximum + 1), "a", "1.5"],
    ];
  }
  if (typeof maxLength === "number")
    return [
      ["acme", "x".repeat(maxLength)],
      ["", "x".repeat(maxLength + 1)],
    ];
  return [
    ["UTC", "Europe/Berlin"],
    ["", "Mars/Base"],
  ];
}
