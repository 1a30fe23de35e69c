import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { text as allText } from "node:stream/consumers";
import { usageApi, type UsageApiOptions } from "@meterbridge/http";
import { diag, DiagLogLevel } from "@opentelemetry/api";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import {
  acmeToken,
  adminToken,
  ask,
  askRaw,
  globexToken,
  listen,
  tokens,
  type Listening,
} from "./support/usage-client.ts";
import { runSdk, usageEvent, type TestSdk } from "./support/usage-sdk.ts";

const told: string[] = [];
const logger = {
  error: (...words: unknown[]) => void told.push(words.join(" ")),
  warn: () => {},
  info: () => {},
  debug: () => {},
  verbose: () => {},
};
const servers: Listening[] = [];
let sdk: TestSdk;
let directory: string;

beforeAll(async () => {
  diag.setLogger(logger, DiagLogLevel.ERROR);
  directory = await mkdtemp(path.join(tmpdir(), "usage-api-"));
  sdk = await runSdk({ events: [usageEvent(), usageEvent({ tenant: "globex" })] });
});

afterEach(async () => {
  vi.unstubAllEnvs();
  vi.useRealTimers();
  told.length = 0;
  for (const server of servers.splice(0)) await server.close();
});

afterAll(async () => {
  await sdk.stop();
  diag.disable();
  await rm(directory, { recursive: true });
});

async function serve(options?: UsageApiOptions, host?: string): Promise<string> {
  const server = await listen(usageApi(options).handler, host);
  servers.push(server);
  return server.url;
}

const routes = {
  tenant: [
    "/workflows",
    "/llm",
    "/checkpoints",
    "/summary",
    "/by-provider",
    "/timeline",
    "/overview",
    "/usage",
    "/errors",
  ],
  tenantOnly: ["/latest", "/openapi.json"],
  admin: ["/top-tenants", "/prometheus", "/health/prometheus"],
};
const unauthorised = { error: { message: "a valid credential is needed" } };

describe("who may ask what", () => {
  const api = usageApi({ tokens });

  test.each([...routes.tenant, ...routes.tenantOnly, ...routes.admin])(
    "%s is for nobody without a credential",
    async (route) => {
      for (const token of [null, "", "wrong", `${adminToken}x`, adminToken.slice(1), acmeToken.toUpperCase()]) {
        const { status, body, headers } = await ask(api, route, token);
        expect([status, body]).toEqual([401, unauthorised]);
        expect(headers.get("www-authenticate")).toBe("Bearer");
      }
    },
  );

  test.each(routes.tenant)("%s is for an administrator, and for a tenant", async (route) => {
    expect((await ask(api, route)).status).toBe(200);
    expect((await ask(api, route, acmeToken)).status).toBe(200);
  });

  test.each(routes.admin)("%s is for an administrator alone", async (route) => {
    expect((await ask(api, route)).status).not.toBe(403);
    expect(await ask(api, route, acmeToken)).toMatchObject({
      status: 403,
      body: { error: { message: "this route is for administrators" } },
    });
  });

  test("rows of a tenant are for that tenant without naming it, and for an administrator who names it", async () => {
    expect((await ask(api, "/latest", acmeToken)).body).toMatchObject({ rows: [{ tenant: "acme" }] });
    expect((await ask(api, "/latest?tenant=globex")).body).toMatchObject({ rows: [{ tenant: "globex" }] });
    expect(await ask(api, "/latest")).toMatchObject({ status: 400, body: { error: { parameter: "tenant" } } });
  });

  test("an unknown path tells what there is to those who may use it, and nothing to others", async () => {
    expect((await ask(api, "/nothing", "wrong")).body).toEqual(unauthorised);
    const admin = (await ask(api, "/nothing")).body as { error: { allowed: string[] } };
    expect(admin.error.allowed).toEqual(
      expect.arrayContaining([...routes.tenant, ...routes.tenantOnly, ...routes.admin]),
    );
    const tenant = (await ask(api, "/nothing", acmeToken)) as {
      status: number;
      body: { error: { allowed: string[] } };
    };
    expect(tenant.status).toBe(404);
    expect(tenant.body.error.allowed.toSorted()).toEqual([...routes.tenant, ...routes.tenantOnly].toSorted());
  });

  test("another tenant's id is answered word for word as one that nobody has", async () => {
    const answers = await Promise.all(
      [...routes.tenant, "/latest"].flatMap((route) =>
        ["globex", "nobody", "admin", "ACME", "acme "].map(
          async (tenant) => await ask(api, `${route}?tenant=${encodeURIComponent(tenant)}`, acmeToken),
        ),
      ),
    );
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`))).toEqual(
      new Set([
        '403 {"error":{"parameter":"tenant","message":"this credential is for one tenant, and not for the one asked for"}}\n',
      ]),
    );
  });

  test("one's own tenant may be named, and makes no difference", async () => {
    const range = "from=2026-01-01&to=2030-01-01";
    const named = await ask(api, `/by-provider?${range}&tenant=acme`, acmeToken);
    expect(named.text).toBe((await ask(api, `/by-provider?${range}`, acmeToken)).text);
  });
});

describe("the credential as it is sent", () => {
  test.each<[string, Record<string, string | readonly string[]>]>([
    ["twice", { authorization: [`Bearer ${adminToken}`, `Bearer ${adminToken}`] }],
    ["twice, one of them right", { authorization: ["Bearer wrong", `Bearer ${adminToken}`] }],
    ["as two in one header", { authorization: `Bearer ${adminToken}, Bearer ${adminToken}` }],
    ["under another scheme", { authorization: `Basic ${adminToken}` }],
    ["without a scheme", { authorization: adminToken }],
    ["with words after it", { authorization: `Bearer ${adminToken} x` }],
    ["after two blanks", { authorization: `Bearer  ${adminToken}` }],
    ["empty", { authorization: "" }],
    ["a scheme alone", { authorization: "Bearer" }],
    ["a megabyte long", { authorization: `Bearer ${"a".repeat(1_000_000)}` }],
    ["in Latin letters beyond ASCII", { authorization: `Bearer ${adminToken}é` }],
    ["as a cookie", { cookie: `token=${adminToken}` }],
    ["in another header", { "proxy-authorization": `Bearer ${adminToken}` }],
  ])("%s opens nothing, and the answer gives no hint", async (_how, headers) => {
    const url = await serve({ tokens });
    const answer = await askRaw(`${url}/openapi.json`, headers);
    expect([answer.status, JSON.parse(answer.text)]).toEqual([401, unauthorised]);
  });

  test("in the query opens nothing", async () => {
    const url = await serve({ tokens });
    expect((await askRaw(`${url}/overview?token=${adminToken}&access_token=${adminToken}`)).status).toBe(401);
  });

  test("the scheme may be in any case, as HTTP has it", async () => {
    const url = await serve({ tokens });
    expect((await askRaw(`${url}/overview`, { authorization: `bearer ${adminToken}` })).status).toBe(200);
  });

  test("no answer may be kept, read by another site's page, or taken for a page", async () => {
    const url = await serve({ tokens });
    for (const target of ["/overview", "/nothing", "/timeline?days=0"]) {
      const { headers } = await askRaw(url + target, {
        authorization: `Bearer ${adminToken}`,
        origin: "https://elsewhere.example",
      });
      expect(headers).toMatchObject({
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "cross-origin-resource-policy": "same-origin",
      });
      expect(Object.keys(headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
    }
  });
});

describe("tokens", () => {
  test.each<[string, unknown, string]>([
    [
      "a short one",
      { token: "secret-but-short", scope: "admin" },
      "must be 32 to 1024 visible ASCII characters, found a text of 16",
    ],
    ["one with a blank", { token: `${adminToken} x`, scope: "admin" }, "must be 32 to 1024 visible ASCII characters"],
    ["none", { scope: "admin" }, "found undefined"],
    [
      "an unknown scope",
      { token: adminToken, scope: "root" },
      'must have scope "admin", or scope "tenant" and a tenant',
    ],
    ["a tenant's without a tenant", { token: adminToken, scope: "tenant" }, "and a tenant of 1 to 255 characters"],
    ["a tenant's with an empty tenant", { token: adminToken, scope: "tenant", tenant: "" }, 'tenant ""'],
    ["an admin's with a tenant", { token: adminToken, scope: "admin", tenant: "acme" }, 'tenant "acme"'],
    ["a wrong date", { token: adminToken, scope: "admin", expires: "tomorrow" }, "must be an ISO 8601 date or time"],
    [
      "a time without an offset",
      { token: adminToken, scope: "admin", expires: "2027-01-01T00:00:00" },
      "must be an ISO",
    ],
    ["a misspelt field", { token: adminToken, scope: "admin", expire: "2027-01-01" }, 'has a field "expire"'],
    ["a text", adminToken, "must be an object with token and scope"],
  ])("%s is refused at the start, and shown to nobody", (_what, token, problem) => {
    const start = () => usageApi({ tokens: [token as never] });
    expect(start).toThrow(`[meterbridge] [http] usageApi(): option "tokens"[0]`);
    expect(start).toThrow(problem);
    expect(start).not.toThrow(/secret-but-short|0123456789/);
  });

  test("a token that is there twice is refused: which scope it had would be left to chance", () => {
    expect(() => usageApi({ tokens: [tokens[0], { ...tokens[1], token: adminToken }] })).toThrow(
      "the same token twice",
    );
    vi.stubEnv("METERBRIDGE_API_ADMIN_TOKEN", acmeToken);
    expect(() => usageApi({ tokens })).toThrow("the same token twice");
  });

  test("an administrator's comes from the environment, two of them while one replaces the other", async () => {
    vi.stubEnv("METERBRIDGE_API_ADMIN_TOKEN", `${adminToken}, ${globexToken}`);
    const api = usageApi();
    expect((await ask(api, "/top-tenants", adminToken)).status).toBe(200);
    expect((await ask(api, "/top-tenants", globexToken)).status).toBe(200);
    expect((await ask(api, "/top-tenants", acmeToken)).status).toBe(401);
    vi.stubEnv("METERBRIDGE_API_TOKENS_FILE", " ");
    expect(() => usageApi()).not.toThrow();
    vi.stubEnv("METERBRIDGE_API_ADMIN_TOKEN", "short");
    expect(() => usageApi()).toThrow(
      "METERBRIDGE_API_ADMIN_TOKEN[0].token must be 32 to 1024 visible ASCII characters",
    );
  });

  test("an expired one is as good as none, from that moment on", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: new Date("2026-12-31T23:59:59Z") });
    const api = usageApi({
      tokens: [{ token: acmeToken, scope: "tenant", tenant: "acme", expires: "2027-01-01T00:00:00Z" }],
    });
    expect((await ask(api, "/openapi.json", acmeToken)).status).toBe(200);
    vi.setSystemTime(new Date("2027-01-01T00:00:00Z"));
    expect(await ask(api, "/openapi.json", acmeToken)).toMatchObject({ status: 401, body: unauthorised });
  });

  test("those of a file are exchanged while the process runs, and stay when the file is broken", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const file = path.join(directory, "tokens.json");
    const write = async (content: string): Promise<void> => {
      await writeFile(`${file}.new`, content);
      await rename(`${file}.new`, file);
      vi.setSystemTime(Date.now() + 1001);
    };
    await write(JSON.stringify({ tokens: [tokens[0]] }));
    vi.stubEnv("METERBRIDGE_API_TOKENS_FILE", file);
    const api = usageApi({ tokens: [tokens[2]] });
    const statuses = async () =>
      await Promise.all(
        [adminToken, acmeToken, globexToken].map(async (token) => (await ask(api, "/llm", token)).status),
      );
    expect(await statuses()).toEqual([200, 401, 200]);
    await write(JSON.stringify({ tokens: [tokens[0], tokens[1]] }));
    await statuses();
    expect(await statuses()).toEqual([200, 200, 200]);
    await write(JSON.stringify({ tokens: [tokens[1]] }));
    await statuses();
    expect(await statuses()).toEqual([401, 200, 200]);
    for (const broken of [
      "{",
      '{"tokens":[{"token":"short","scope":"admin"}]}',
      JSON.stringify({ tokens: [tokens[2]] }),
    ]) {
      told.length = 0;
      await write(broken);
      await statuses();
      expect(await statuses()).toEqual([401, 200, 200]);
      expect(told).toEqual([expect.stringContaining("the tokens read before stay valid")]);
      expect(told.join()).not.toMatch(/0123456789|short"/);
      await write(JSON.stringify({ tokens: [tokens[1]] }));
      await statuses();
    }
    await rm(file);
    vi.setSystemTime(Date.now() + 1001);
    expect(await statuses()).toEqual([401, 200, 200]);
  });

  test("a file that is not there or no list of tokens is refused at the start, without a word of its content", async () => {
    expect(() => usageApi({ tokensFile: path.join(directory, "nothing") })).toThrow(
      /^\[meterbridge\] \[http\] usageApi\(\): the file of tokens .*nothing cannot be read: ENOENT/,
    );
    expect(() => usageApi({ tokensFile: directory })).toThrow(
      `[meterbridge] [http] usageApi(): the file of tokens ${directory} cannot be read: EISDIR`,
    );
    const file = path.join(directory, "no-tokens");
    await writeFile(file, `admin: ${adminToken}`);
    expect(() => usageApi({ tokensFile: file })).toThrow("must be JSON of the form");
    expect(() => usageApi({ tokensFile: file })).not.toThrow(/0123456789/);
  });

  test("an empty file of tokens locks everybody out, this machine too", async () => {
    const file = path.join(directory, "empty.json");
    await writeFile(file, '{"tokens":[]}');
    const url = await serve({ tokensFile: file });
    expect((await askRaw(`${url}/overview`)).status).toBe(401);
  });
});

describe("without tokens", () => {
  test.each([
    ["127.0.0.1", {}],
    ["127.0.0.1", { host: "localhost" }],
    ["127.0.0.1", { host: "LOCALHOST:1234" }],
    ["127.0.0.1", { host: "127.1.2.3:80" }],
    ["::1", { host: "[::1]:8080" }],
    // Connected over IPv4 to a server that listens on both: the address is mapped.
    ["::", { host: "localhost" }],
    ["127.0.0.1", { "sec-fetch-site": "none" }],
    ["127.0.0.1", { "sec-fetch-site": "same-origin" }],
  ] as const)("this machine is answered, listening on %s, with %j", async (host, headers) => {
    const url = (await serve({}, host)).replace("[::]", "127.0.0.1");
    expect((await askRaw(`${url}/overview`, headers)).status).toBe(200);
  });

  test.each<[string, Record<string, string | readonly string[]>]>([
    ["a proxy's request", { "x-forwarded-for": "203.0.113.9" }],
    ["a proxy's request that says it is from here", { "x-forwarded-for": "127.0.0.1" }],
    ["a request with Forwarded", { forwarded: "for=127.0.0.1" }],
    ["a request with X-Real-IP", { "x-real-ip": "127.0.0.1" }],
    ["a request of Envoy's", { "x-envoy-external-address": "127.0.0.1" }],
    ["a request with Via", { via: "1.1 proxy" }],
    ["a request with an empty X-Forwarded-For", { "x-forwarded-for": "" }],
    ["a name that was made to point here", { host: "evil.example" }],
    ["a name that looks like one of here", { host: "localhost.evil.example" }],
    ["an address that looks like one of here", { host: "127.0.0.1.evil.example" }],
    ["credentials in the host", { host: "localhost@evil.example" }],
    ["two hosts", { host: ["localhost", "evil.example"] }],
    ["another machine's address", { host: "192.0.2.1" }],
    ["another site's page", { "sec-fetch-site": "cross-site" }],
    ["another port's page", { "sec-fetch-site": "same-site" }],
  ])("%s is refused, and told to configure tokens", async (_what, headers) => {
    const url = await serve();
    const answer = await askRaw(`${url}/overview`, headers);
    // Node.js itself refuses two hosts.
    if (answer.status === 400) return expect(answer.text).toBe("");
    expect(answer.status).toBe(403);
    expect(answer.text).toContain("METERBRIDGE_API_ADMIN_TOKEN");
  });

  test("nginx as it is without settings, which tells nothing of who asks, is refused", async () => {
    const { hostname, port, host } = new URL(await serve());
    const asNginx = `GET /overview HTTP/1.0\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
    const socket = connect(Number(port), hostname, () => socket.write(asNginx));
    expect((await allText(socket)).split("\r\n", 1)).toEqual(["HTTP/1.1 403 Forbidden"]);
  });

  test("a server that does not tell who connects is not trusted to be here", async () => {
    expect(await ask(usageApi(), "/overview", null)).toMatchObject({ status: 403 });
  });
});

describe("the application's own sessions", () => {
  const authenticate: UsageApiOptions["authenticate"] = async (request) => {
    const session = request.header("cookie");
    if (session === "session=root") return { scope: "admin" };
    return session === "session=acme" ? { scope: "tenant", tenant: "acme" } : undefined;
  };

  test("tell who asks, beside our tokens", async () => {
    const api = usageApi({ authenticate, tokens });
    const cookie = (value: string) => ({ headers: { cookie: `session=${value}` } });
    expect((await ask(api, "/top-tenants", "", cookie("root"))).status).toBe(200);
    expect((await ask(api, "/top-tenants", "", cookie("acme"))).status).toBe(403);
    expect((await ask(api, "/latest", "", cookie("acme"))).body).toMatchObject({ rows: [{ tenant: "acme" }] });
    expect((await ask(api, "/overview", "", cookie("bob"))).body).toEqual(unauthorised);
    expect((await ask(api, "/top-tenants", adminToken)).status).toBe(200);
  });

  test("do not serve another site's page, which would send the cookie along", async () => {
    const api = usageApi({ authenticate });
    const headers = { cookie: "session=root", "sec-fetch-site": "cross-site" };
    expect((await askRaw(`${await serve({ authenticate })}/overview`, headers)).status).toBe(401);
    expect((await ask(api, "/overview", "token-of-the-application", { headers })).status).toBe(200);
  });

  test("take the place of the rule that this machine may ask", async () => {
    expect((await askRaw(`${await serve({ authenticate })}/overview`)).status).toBe(401);
  });

  test.each<[string, unknown]>([
    ["a tenant that is not known", { scope: "tenant", tenant: undefined }],
    ["an empty tenant", { scope: "tenant", tenant: "" }],
    ["an admin with a tenant", { scope: "admin", tenant: "acme" }],
    ["true", true],
    ["null", null],
  ])("are refused when they tell %s: nobody's usage must become everybody's", async (_what, answer) => {
    const api = usageApi({ authenticate: () => answer as never });
    expect(await ask(api, "/overview", "")).toMatchObject({
      status: 500,
      body: { error: { message: "the application could not tell who asks" } },
    });
    expect(told).toEqual([expect.stringContaining("authenticate must return")]);
  });

  test("that fail open nothing, and tell what it was to the log alone", async () => {
    const api = usageApi({ authenticate: () => Promise.reject(new Error("session store at 10.0.0.7 is down")) });
    const { status, text } = await ask(api, "/overview", "");
    expect(status).toBe(500);
    expect(text).not.toContain("10.0.0.7");
    expect(told.join()).toContain("10.0.0.7");
    await ask(api, "/overview", "");
    expect(told).toHaveLength(1);
  });
});

describe("too many requests", () => {
  test("are refused by token, and told when to come again", async () => {
    const api = usageApi({ tokens, rateLimit: 3 });
    for (let request = 0; request < 3; request++) expect((await ask(api, "/openapi.json")).status).toBe(200);
    const { status, headers, body } = await ask(api, "/openapi.json");
    expect(status).toBe(429);
    expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
    expect(Number(headers.get("retry-after"))).toBeLessThanOrEqual(20);
    expect(body).toMatchObject({ error: { message: expect.stringContaining("come again in") } });
    expect((await ask(api, "/openapi.json", acmeToken)).status).toBe(200);
  });

  test("of strangers do not keep those of the same address from asking with a token", async () => {
    const url = await serve({ tokens, rateLimit: 2 });
    const statuses = [];
    for (let request = 0; request < 4; request++) statuses.push((await askRaw(`${url}/overview`)).status);
    expect(statuses).toEqual([401, 401, 429, 429]);
    expect((await askRaw(`${url}/overview`, { authorization: `Bearer ${adminToken}` })).status).toBe(200);
  });

  test("are allowed with a limit of 0, and the environment sets it", async () => {
    vi.stubEnv("METERBRIDGE_API_RATE_LIMIT", "1");
    const limited = usageApi({ tokens });
    expect([(await ask(limited, "/nothing")).status, (await ask(limited, "/nothing")).status]).toEqual([404, 429]);
    const unlimited = usageApi({ tokens, rateLimit: 0 });
    for (let request = 0; request < 700; request++) await ask(unlimited, "/nothing");
    expect((await ask(unlimited, "/nothing")).status).toBe(404);
  });
});

describe("wrong options", () => {
  test.each<[string, object, string]>([
    ["a misspelt option", { token: [] }, 'option "token" is unknown, the options are basePath, tokens,'],
    ["a rate", { rateLimit: -1 }, 'option "rateLimit" must be a whole number of requests a minute from 0'],
    ["a path", { basePath: "api" }, 'option "basePath" must be "" or a path that starts with "/"'],
    [
      "a time zone",
      { timeZone: "Mars/Base" },
      'option "timeZone" must be an IANA name such as Europe/Berlin, found "Mars/Base"',
    ],
    ["tokens", { tokens: adminToken }, 'option "tokens" must be a list of tokens'],
    ["a function", { authenticate: true }, 'option "authenticate" must be a function'],
  ])("%s", (_what, options, message) => {
    expect(() => usageApi(options)).toThrow(message);
    expect(() => usageApi(options)).toThrow("[meterbridge] [http] usageApi()");
    expect(() => usageApi(options)).not.toThrow("0123456789");
  });

  test.each([
    ["METERBRIDGE_API_RATE_LIMIT", "many"],
    ["METERBRIDGE_API_RATE_LIMIT", "1e9"],
    ["METERBRIDGE_API_TIME_ZONE", "Mars/Base"],
  ])("%s=%s", (name, value) => {
    vi.stubEnv(name, value);
    expect(() => usageApi()).toThrow(`[meterbridge] ${name} must be`);
  });
});
