import { createServer, type AddressInfo } from "node:net";
import Anthropic from "@anthropic-ai/sdk";
import { addUsageSink, type UsageEvent, withAttribution } from "@meterbridge/core";
import fc from "fast-check";
import OpenAI from "openai";
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { captureState, endOpenCalls } from "../src/fetch/capture-state.ts";
import { meterFetch } from "../src/fetch/meter-fetch.ts";
import { dialFetch, settled, startCapture } from "./support/capture.ts";
import { startMeters } from "./support/meters.ts";
import { type Provider, startProvider } from "./support/provider.ts";

let provider: Provider;
beforeAll(async () => {
  provider = await startProvider();
});
afterEach(() => {
  provider.forget();
  endOpenCalls();
});
afterAll(() => provider.stop());

const messages = [{ role: "user" as const, content: "Hello" }];
const soon = { headers: { "retry-after-ms": "1" } };

describe("the tries of one call are one call", () => {
  test.each(["openai", "anthropic"])("of the client of %s", async (name) => {
    const { events } = startMeters();
    dialFetch(provider);
    startCapture();
    provider.script({ failure: { status: 429 }, delivery: soon }, { failure: { status: 503 }, delivery: soon }, {});
    if (name === "openai") {
      await new OpenAI({ apiKey: "key" }).chat.completions.create({ model: "gpt-5", messages });
    } else {
      await new Anthropic({ apiKey: "key" }).messages.create({ model: "claude-sonnet-4-5", max_tokens: 9, messages });
    }
    await settled(events, 1);
    expect(provider.requests).toHaveLength(3);
    expect(events).toHaveLength(1);
    expect(events).toMatchObject([{ attempts: 3, isSuccess: true, inputTokens: 100, outputTokens: 20 }]);
  });

  test("of a client whose tries run out of time", async () => {
    const { events } = startMeters();
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as AddressInfo;
    let asked = 0;
    const under = globalThis.fetch;
    globalThis.fetch = (_input, init) => {
      asked += 1;
      return under(asked === 1 ? `http://127.0.0.1:${port}` : `${provider.url}/v1/chat/completions`, init);
    };
    onTestFinished(() => {
      globalThis.fetch = under;
      silent.close();
    });
    startCapture();
    await new OpenAI({ apiKey: "key", timeout: 300 }).chat.completions.create({ model: "gpt-5", messages });
    await settled(events, 1);
    expect(events).toHaveLength(1);
    expect(events).toMatchObject([{ attempts: 2, isSuccess: true }]);
  });

  test("when all of them fail, told when nobody comes any more, and as long as they took", async () => {
    const { events } = startMeters();
    dialFetch(provider);
    startCapture();
    provider.script(...Array.from({ length: 3 }, () => ({ failure: { status: 429 }, delivery: soon })));
    await expect(new OpenAI({ apiKey: "key" }).chat.completions.create({ model: "gpt-5", messages })).rejects.toThrow(
      "429",
    );
    expect(events).toHaveLength(0);
    const answered = performance.now();
    await vi.waitFor(() => expect(performance.now()).toBeGreaterThan(answered + 300));
    endOpenCalls();
    await settled(events, 1);
    expect(events).toHaveLength(1);
    expect(events).toMatchObject([{ attempts: 3, isSuccess: false, errorType: "429", usageSource: "none" }]);
  });
});

test("a failure that its client does not try again is told at once", async () => {
  const { events } = startMeters();
  dialFetch(provider);
  startCapture();
  provider.script(
    { failure: { status: 400 } },
    { failure: { status: 503 }, delivery: { headers: { "x-should-retry": "false" } } },
  );
  const client = new OpenAI({ apiKey: "key" });
  await expect(client.chat.completions.create({ model: "gpt-5", messages })).rejects.toThrow("400");
  await expect(client.chat.completions.create({ model: "gpt-5", messages })).rejects.toThrow("503");
  await settled(events, 2);
  expect(events).toMatchObject([{ errorType: "400" }, { errorType: "503" }]);
});

test("one tenant's try is never counted as another's", async () => {
  const { events } = startMeters();
  const fetch = meterFetch(globalThis.fetch);
  const ask = (tenant: string): Promise<Response> =>
    withAttribution({ tenant }, () =>
      fetch(`${provider.url}/v1/chat/completions`, {
        method: "POST",
        headers: { "user-agent": "ai-sdk/openai/3.0.0" },
        body: JSON.stringify({ model: "gpt-5", messages }),
      }),
    );
  provider.script({ failure: { status: 503 } }, {});
  await ask("acme");
  await (await ask("other")).json();
  endOpenCalls();
  await settled(events, 2);
  expect(events).toHaveLength(2);
  expect(events).toContainEqual(expect.objectContaining({ tenant: "acme", isSuccess: false, attempts: 1 }));
  expect(events).toContainEqual(expect.objectContaining({ tenant: "other", isSuccess: true, attempts: 1 }));
});

/** One logical call of a client that numbers its tries, and how each of them ends. */
interface Plan {
  readonly body: number;
  readonly outcomes: readonly number[];
}

const plan = fc.record({
  body: fc.integer({ min: 0, max: 1 }),
  outcomes: fc
    .tuple(fc.array(fc.constantFrom(429, 500, 0), { maxLength: 3 }), fc.constantFrom(200, 200, 400, 503, 0))
    .map(([before, last]) => [...before, last]),
});

/** What waits for its turn: a call's begin, or the answer to one of its tries. */
interface Pending {
  settle(): void;
}

test("no interleaving of calls loses a call or a try, nor makes one up", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(plan, { minLength: 1, maxLength: 6 }), fc.array(fc.nat(), { maxLength: 60 }), run),
    { numRuns: 200 },
  );
});

function hear(): { readonly events: readonly UsageEvent[]; end(): void } {
  const events: UsageEvent[] = [];
  return { events, end: addUsageSink({ write: (event) => void events.push(event) }) };
}

async function run(plans: readonly Plan[], order: readonly number[]): Promise<void> {
  const { events, end } = hear();
  let sent = 0;
  const pending: Pending[] = [];
  const fetch = meterFetch((_url: string, init: RequestInit): Promise<Response> => {
    sent += 1;
    const status = Number(new Headers(init.headers).get("x-outcome"));
    return new Promise((resolve, reject) => {
      pending.push({
        settle() {
          if (status === 0) reject(new TypeError("fetch failed", { cause: { code: "ECONNRESET" } }));
          else resolve(Response.json({ usage: { prompt_tokens: 1, completion_tokens: 1 } }, { status }));
        },
      });
    });
  });
  const calls = plans.map(async ({ body, outcomes }) => {
    // It begins when its turn has come: others may have failed before.
    await new Promise<void>((resolve) => void pending.push({ settle: resolve }));
    for (const [attempt, outcome] of outcomes.entries()) {
      const headers = { "x-stainless-retry-count": String(attempt), "x-outcome": String(outcome) };
      const init = { method: "POST", headers, body: JSON.stringify({ model: `model-${body}`, messages }) };
      const answer = await fetch("https://api.openai.com/v1/chat/completions", init).catch(() => undefined);
      if (answer?.ok === true) await answer.json();
    }
  });
  const all = Promise.all(calls);
  for (let turn = 0; ; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    if (pending.length === 0) break;
    pending.splice((order[turn % Math.max(1, order.length)] ?? 0) % pending.length, 1)[0]?.settle();
  }
  await all;
  endOpenCalls();
  end();
  expect(sent).toBe(plans.reduce((sum, { outcomes }) => sum + outcomes.length, 0));
  expect(events).toHaveLength(plans.length);
  expect(events.reduce((sum, { attempts }) => sum + attempts, 0)).toBe(sent);
  const succeeded = plans.filter(({ outcomes }) => outcomes.at(-1) === 200).length;
  expect(events.filter(({ isSuccess }) => isSuccess)).toHaveLength(succeeded);
  expect(captureState().open.size).toBe(0);
  expect(captureState().waiting.size()).toBe(0);
}
