import { usageApi } from "@meterbridge/http";
import type { UsageQueries } from "@meterbridge/ledger";
import { diag, DiagLogLevel } from "@opentelemetry/api";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { acmeToken, ask, askRaw, listen, tokens } from "./support/usage-client.ts";
import { runSdk, usageEvent, type TestSdk } from "./support/usage-sdk.ts";

const api = usageApi({ tokens });
const told: string[] = [];
let sdk: TestSdk;

beforeAll(async () => {
  const log = (...words: unknown[]): void => void told.push(words.join(" "));
  diag.setLogger({ error: log, warn: log, info() {}, debug() {}, verbose() {} }, DiagLogLevel.WARN);
  sdk = await runSdk({ events: [usageEvent(), usageEvent({ tenant: "globex" })] });
});
afterEach(() => void (told.length = 0));
afterAll(async () => {
  await sdk.stop();
  diag.disable();
});

const long = "x".repeat(10_000);

describe("a parameter that makes no sense is answered with what is allowed:", () => {
  test.each<readonly [route: string, parameter: string, value: string, allowed: unknown]>([
    ...["0", "91", "abc", "1e9", "-1", "1.5", "", " 7", "+7", "0x7", "٣", "1e1", "NaN", "9".repeat(10_000), "7\0"].map(
      (days) => ["/timeline", "days", days, "a whole number from 1 to 90"] as const,
    ),
    ["/timeline", "step", "month", "hour, day or week"],
    ["/timeline", "step", "__proto__", "hour, day or week"],
    ["/timeline", "timeZone", "Mars/Base", "an IANA name such as Europe/Berlin"],
    ["/timeline", "timeZone", "+05:30", "an IANA name such as Europe/Berlin"],
    ["/timeline", "timeZone", long, "an IANA name such as Europe/Berlin"],
    ["/usage", "year", "1979", "a whole number from 1980 to 2199"],
    ["/usage", "month", "13", "a whole number from 1 to 12"],
    ["/usage", "daily", "yes", "true or false"],
    [
      "/summary",
      "from",
      "yesterday",
      "an ISO 8601 date, or a time with its offset: 2026-11-21 or 2026-11-21T10:15:00Z",
    ],
    ["/summary", "to", "2026-11-21T10:15:00", expect.stringContaining("an ISO 8601 date")],
    ["/summary", "from", "2026-02-30", expect.stringContaining("an ISO 8601 date")],
    ["/summary", "from", "2026-11-01T10:07:00Z", "on a quarter hour, the finest that is added up"],
    ["/summary", "from", "1970-01-01", "at most 3660 days apart (ten years)"],
    ["/summary", "from", "2100-01-01", "before to"],
    ["/summary", "project", "", "a text of 1 to 255 characters without NUL"],
    ["/summary", "project", "a\0b", "a text of 1 to 255 characters without NUL"],
    ["/summary", "employee", long, "a text of 1 to 255 characters without NUL"],
    ["/by-provider", "tenant", "x".repeat(256), "a text of 1 to 255 characters without NUL"],
    ["/top-tenants", "by", "tenant; DROP TABLE usage_events", "cost, tokens or calls"],
    ["/top-tenants", "limit", "1001", "a whole number from 1 to 1000"],
    ["/latest?tenant=acme", "limit", "501", "a whole number from 1 to 500"],
    ["/latest?tenant=acme", "kind", "everything", "llm_call, task or tool_call"],
    ["/latest?tenant=acme", "cursor", "AAAA", expect.any(String)],
    ["/latest?tenant=acme", "cursor", long, "the cursor of the page before"],
    ["/latest?tenant=acme", "errorsOnly", "1", "true or false"],
  ])("%s with %s=%s", async (route, parameter, value, allowed) => {
    const query = `${route.includes("?") ? "&" : "?"}${parameter}=${encodeURIComponent(value)}`;
    const { status, text, body } = await ask(api, route + query);
    expect(status).toBe(400);
    const { error } = body as { error: { parameter?: string; message: string } };
    expect(error).toMatchObject({ message: expect.any(String), allowed });
    // A range that is empty or too long is told by both ends.
    expect(["from", parameter]).toContain(error.parameter);
    expect(text.length).toBeLessThan(500);
    expect(text.split("").filter((character) => character < " ")).toEqual(["\n"]);
    expect(told).toEqual([]);
  });

  test.each([
    ["/timeline?day=7", "day", ["step", "days", "tenant", "project", "timeZone"]],
    ["/workflows?__proto__=x", "__proto__", ["tenant"]],
    ["/workflows?constructor=x", "constructor", ["tenant"]],
    ["/workflows?hasOwnProperty=x", "hasOwnProperty", ["tenant"]],
    ["/overview?tenant%00=acme", "tenant\\u0000", ["tenant", "timeZone"]],
    ["/workflows?tenant[]=acme", "tenant[]", ["tenant"]],
    ["/prometheus?name=x", "name", []],
  ])("%s, a parameter that there is not", async (target, parameter, allowed) => {
    expect(await ask(api, target)).toMatchObject({ status: 400, body: { error: { parameter, allowed } } });
  });

  test.each([
    "/timeline?days=7&days=8",
    "/timeline?days=7&days=7",
    "/latest?tenant=acme&tenant=globex",
    "/workflows?tenant=&tenant=",
  ])("%s, a parameter that is there twice: one of them would be as good as the other", async (target) => {
    expect(await ask(api, target)).toMatchObject({ status: 400, body: { error: { allowed: "one value" } } });
  });

  test("a year by day of all tenants", async () => {
    const { status, body } = await ask(api, "/usage?year=2026&daily=true");
    expect(status).toBe(400);
    expect((body as { error: { message: string } }).error.message).toContain("give tenant or month");
  });
});

test.each([
  "' OR '1'='1",
  "acme'; DROP TABLE usage_events; --",
  'acme" OR 1=1',
  "acme' UNION SELECT * FROM usage_days --",
  "%",
  "_",
  "\\",
])("SQL in a filter is a name that nobody has: %s", async (name) => {
  for (const parameter of ["tenant", "project", "employee"]) {
    const { status, body } = await ask(api, `/by-provider?${parameter}=${encodeURIComponent(name)}`);
    expect([status, (body as { models: [] }).models]).toEqual([200, []]);
  }
  expect((await ask(api, `/latest?tenant=${encodeURIComponent(name)}`)).body).toEqual({ rows: [], cursor: null });
  expect((await ask(api, "/by-provider")).body).toMatchObject({ models: [{ calls: 2 }] });
});

test("another tenant's cursor is of no use", async () => {
  await sdk.store?.open();
  const two = usageApi({ tokens });
  const cursorOf = async (tenant: string) =>
    ((await ask(two, `/latest?tenant=${tenant}&limit=1`)).body as { cursor: string | null }).cursor;
  expect(await cursorOf("globex")).toBe(null);
  const forged = Buffer.from(JSON.stringify([Date.now() + 1e6, "~", "AAAAAAAAAAAAAAAA"])).toString("base64url");
  expect(await ask(two, `/latest?cursor=${forged}`, acmeToken)).toMatchObject({
    status: 400,
    body: { error: { parameter: "cursor" } },
  });
});

describe("on a server", () => {
  test.each(["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "QUERY"])(
    "%s is refused, and told what is allowed",
    async (method) => {
      const server = await listen(usageApi().handler);
      const answer = await askRaw(`${server.url}/overview`, {}, method);
      await server.close();
      expect(answer).toMatchObject({ status: 405, headers: { allow: "GET, HEAD" } });
      expect(JSON.parse(answer.text)).toMatchObject({ error: { allowed: ["GET", "HEAD"] } });
    },
  );

  test("HEAD has the headers of GET and no body", async () => {
    const server = await listen(usageApi().handler);
    const [get, head] = await Promise.all(
      ["GET", "HEAD"].map((method) => askRaw(`${server.url}/overview`, {}, method)),
    );
    await server.close();
    expect([head?.status, head?.text]).toEqual([200, ""]);
    expect(head?.headers["content-length"]).toBe(get?.headers["content-length"]);
    expect((await ask(api, "/overview", undefined, { method: "HEAD" })).text).toBe("");
  });

  test.each(["//evil.example/summary", "/summary%00", "/SUMMARY", `/${long}`, "/;summary"])(
    "the path %s is none of ours",
    async (path) => {
      const server = await listen(usageApi().handler);
      const { status, text } = await askRaw(server.url + path);
      await server.close();
      expect(status).toBe(404);
      expect(text).not.toContain("evil");
      expect(text.length).toBeLessThan(1000);
    },
  );

  test("a hundred at once are all answered", async () => {
    const server = await listen(usageApi({ rateLimit: 0 }).handler);
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_none, index) =>
        askRaw(`${server.url}/${["summary", "llm", "timeline?days=90", "usage"][index % 4]}`),
      ),
    );
    await server.close();
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  });
});

describe("what is not there, or fails,", () => {
  test("no ledger is a 501 that says what to do, and /summary has the live figures", async () => {
    const without = await runSdk();
    for (const route of [
      "by-provider",
      "timeline",
      "overview",
      "usage",
      "errors",
      "top-tenants",
      "latest?tenant=acme",
      "summary?project=x",
    ]) {
      const { status, body } = await ask(api, `/${route}`);
      expect([route, status]).toEqual([route, 501]);
      expect((body as { error: { message: string } }).error.message).toContain("install @meterbridge/ledger");
    }
    expect(await ask(api, "/summary")).toMatchObject({ status: 200, body: { history: null, live: {} } });
    expect(await ask(api, "/prometheus")).toMatchObject({
      status: 501,
      body: { error: { message: expect.stringContaining("METERBRIDGE_EXPORTERS=prometheus") } },
    });
    expect(await ask(api, "/health/prometheus")).toMatchObject({
      status: 200,
      body: { status: "disabled", enabled: false },
    });
    await without.stop();
  });

  test("no SDK is a 503 until it runs", async () => {
    const without = await runSdk();
    await without.stop();
    for (const route of ["summary", "llm", "overview"]) {
      expect(await ask(api, `/${route}`)).toMatchObject({
        status: 503,
        body: { error: { message: "Meterbridge is not running in this process: call start(), or preload it" } },
      });
    }
    expect((await ask(api, "/openapi.json")).status).toBe(200);
  });

  test("a ledger that fails is a 503 without a word of what is inside, told to the log once, and over when it is over", async () => {
    let isDown = true;
    const secret = "connect ECONNREFUSED 10.1.2.3:5432 password=hunter2";
    const failing = await runSdk({ events: [usageEvent()] });
    const { runningSdk } = await import("../src/running-sdk.ts");
    const queries = await runningSdk()?.usageQueries();
    await failing.stop();
    const again = await runSdk({
      instead: {
        usageQueries: () => (isDown ? Promise.reject(new Error(secret)) : Promise.resolve(queries!)),
      },
    });
    for (const route of ["overview", "summary", "timeline", "latest?tenant=acme"]) {
      const { status, headers, text } = await ask(api, `/${route}`);
      expect([status, headers.get("retry-after")]).toEqual([503, "5"]);
      expect(text).toBe('{"error":{"message":"the ledger cannot be read at present"}}\n');
    }
    expect(told).toEqual([expect.stringContaining(secret)]);
    isDown = false;
    // Its store is closed: another failure of the same ledger, and not told again.
    expect((await ask(api, "/overview")).status).toBe(503);
    expect(told).toHaveLength(1);
    await again.stop();
  });

  test("a ledger that does not answer is a 503 in time", async () => {
    const hanging = await runSdk({ instead: { usageQueries: () => new Promise(() => {}) } });
    const impatient = usageApi({ tokens, timeoutMillis: 50 });
    expect(await ask(impatient, "/overview")).toMatchObject({ status: 503 });
    await hanging.stop();
  });

  test("meters that cannot be read are a 503, and /summary has the ledger's figures", async () => {
    const deaf = await runSdk({
      events: [usageEvent()],
      instead: { collect: () => Promise.reject(new Error("recorded elsewhere")) },
    });
    expect(await ask(api, "/llm")).toMatchObject({
      status: 503,
      body: { error: { message: "the meters cannot be read at present" } },
    });
    expect(await ask(api, "/summary")).toMatchObject({ status: 200, body: { live: null, history: { calls: 1 } } });
    await deaf.stop();
  });

  test("an answer of more rows than anybody reads is refused, and told how to ask for less", async () => {
    const row = { day: null, tenant: "acme", employee: null, costNanoUsd: 0n };
    let rows = 10_000;
    const usage = (): Promise<object[]> => Promise.resolve(Array.from({ length: rows }, () => row));
    const large = await runSdk({
      instead: { usageQueries: () => Promise.resolve({ usage } as unknown as UsageQueries) },
    });
    expect((await ask(api, "/usage")).status).toBe(200);
    rows++;
    expect(await ask(api, "/usage")).toMatchObject({
      status: 400,
      body: { error: { parameter: "tenant", message: expect.stringContaining("at most 10000 are given") } },
    });
    await large.stop();
  });

  test("a Prometheus exporter that cannot be scraped is a 503, and degraded", async () => {
    const answer = (status: number, text: string): Promise<Response> => Promise.resolve(new Response(text, { status }));
    const exporter = { name: "prometheus", fetchHandler: () => () => answer(500, "the scrape failed at 10.0.0.1") };
    const broken = await runSdk({ instead: { exporters: [exporter] } });
    const { status, text } = await ask(api, "/prometheus");
    expect([status, text]).toEqual([503, expect.not.stringContaining("10.0.0.1")]);
    expect((await ask(api, "/health/prometheus")).body).toMatchObject({ status: "degraded", enabled: true });
    await broken.stop();
  });

  test("a meter whose value is no number breaks no answer", async () => {
    const odd = await runSdk({
      instead: {
        collect: () =>
          Promise.resolve([
            {
              name: "llm.cost",
              unit: "USD",
              description: "",
              kind: "counter",
              points: [{ attributes: {}, value: Number.NaN }],
            },
            {
              name: "llm.requests",
              unit: "1",
              description: "",
              kind: "counter",
              points: [{ attributes: { model: 5n }, value: 1 }],
            },
          ]),
      },
    });
    expect((await ask(api, "/llm")).status).toBe(200);
    await odd.stop();
  });
});
