import { setTimeout as delay } from "node:timers/promises";
import type { UsageEvent } from "@meterbridge/core";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { endOpenCalls } from "../src/fetch/capture-state.ts";
import { meterFetch } from "../src/fetch/meter-fetch.ts";
import { settled } from "./support/capture.ts";
import { collectGarbage } from "./support/garbage.ts";
import { startMeters } from "./support/meters.ts";
import { type Provider, startProvider } from "./support/provider.ts";
import type { Reply } from "./support/reply.ts";

let provider: Provider;
beforeAll(async () => {
  provider = await startProvider();
});
afterEach(() => provider.forget());
afterAll(() => provider.stop());

const metered = meterFetch(globalThis.fetch);
const text = ["one", " two", " three"];

function ask(reply: Reply, wish: { signal?: AbortSignal; stream?: boolean; asks?: boolean } = {}): Promise<Response> {
  provider.script(reply);
  const { stream = true, asks = true, signal } = wish;
  const body = {
    model: "gpt-5",
    messages: [{ role: "user", content: "Hello, how are you today?" }],
    stream,
    ...(stream && asks && { stream_options: { include_usage: true } }),
  };
  return metered(`${provider.url}/v1/chat/completions`, {
    method: "POST",
    body: JSON.stringify(body),
    ...(signal && { signal }),
  });
}

async function only(events: readonly UsageEvent[]): Promise<UsageEvent> {
  await settled(events, 1);
  expect(events).toHaveLength(1);
  return events[0]!;
}

const whole = { isSuccess: true, inputTokens: 100, outputTokens: 20, usageSource: "provider", errorType: null };
const givenUp = { isSuccess: false, errorType: null };

describe.each([true, false])("a stream whose caller asked for usage: %s", (asks) => {
  test("ends with its end", async () => {
    const { events } = startMeters();
    await (await ask({ text }, { asks })).text();
    expect(await only(events)).toMatchObject(whole);
  });

  test("is given up by a break, and what passed until then is paid", async () => {
    const { events } = startMeters();
    const response = await ask({ text, delivery: { holdAfter: 2 } }, { asks });
    for await (const piece of response.body!) if (Buffer.from(piece).includes("two")) break;
    const event = await only(events);
    expect(event).toMatchObject({ ...givenUp, usageSource: "estimated", model: "gpt-5" });
    expect(event.outputTokens).toBeGreaterThan(0);
  });

  test("is given up by cancelling its body, a reader of it, and by throw in a loop", async () => {
    const { events } = startMeters();
    const held = { text, delivery: { holdAfter: 1 } };
    await (await ask(held, { asks })).body!.cancel();
    const reader = (await ask(held, { asks })).body!.getReader();
    await reader.read();
    await reader.cancel();
    const third = await ask(held, { asks });
    await expect(
      (async () => {
        for await (const _piece of third.body!) throw new Error("the caller's own");
      })(),
    ).rejects.toThrow("the caller's own");
    await settled(events, 3);
    expect(events).toHaveLength(3);
    for (const event of events) expect(event).toMatchObject(givenUp);
  });

  test("is given up by its signal while nobody reads", async () => {
    const { events } = startMeters();
    const controller = new AbortController();
    const response = await ask({ text, delivery: { holdAfter: 1 } }, { asks, signal: controller.signal });
    const reader = response.body!.getReader();
    await reader.read();
    controller.abort();
    expect(await only(events)).toMatchObject(givenUp);
    await expect(reader.read()).rejects.toThrow(/abort/);
    expect(events).toHaveLength(1);
  });

  test("fails when the line goes dead, by the code of that", async () => {
    const { events } = startMeters();
    const response = await ask({ text, delivery: { destroyAfter: 2 } }, { asks });
    await expect(response.text()).rejects.toThrow("terminated");
    const event = await only(events);
    expect(event).toMatchObject({ isSuccess: false, usageSource: "estimated" });
    expect(event.errorType).toMatch(/^(UND_ERR_SOCKET|ECONNRESET)$/);
  });

  test("ends when its reader has had the last word, though it never asked for the end", async () => {
    const { events } = startMeters();
    const reader = (await ask({ text }, { asks })).body!.getReader();
    for (let seen = ""; !seen.includes("[DONE]");) {
      seen += Buffer.from((await reader.read()).value ?? []).toString();
    }
    expect(await only(events)).toMatchObject(whole);
  });

  test("ends once, whatever is done with it after its end", async () => {
    const { events } = startMeters();
    const controller = new AbortController();
    const response = await ask({ text }, { asks, signal: controller.signal });
    const copy = response.clone();
    await Promise.all([response.text(), copy.text()]);
    controller.abort();
    await response.body?.cancel().catch(() => {});
    endOpenCalls();
    expect(await only(events)).toMatchObject(whole);
  });

  test("ends with whichever of two copies is read", async () => {
    const { events } = startMeters();
    const response = await ask({ text }, { asks });
    const copy = response.clone();
    await copy.text();
    expect(await only(events)).toMatchObject(whole);
  });

  test("is given up when both copies are", async () => {
    const { events } = startMeters();
    const response = await ask({ text, delivery: { holdAfter: 1 } }, { asks });
    const copy = response.clone();
    // A copy's cancelling waits for the other's.
    const first = copy.body!.cancel();
    await delay(20);
    expect(events).toHaveLength(0);
    await Promise.all([first, response.body!.cancel()]);
    expect(await only(events)).toMatchObject(givenUp);
  });

  test("ends as it stands with the process", async () => {
    const { events } = startMeters();
    const response = await ask({ text, delivery: { holdAfter: 2 } }, { asks });
    const reader = response.body!.getReader();
    for (let seen = ""; !seen.includes("two");) {
      seen += Buffer.from((await reader.read()).value ?? []).toString();
    }
    endOpenCalls();
    expect(await only(events)).toMatchObject({ ...givenUp, usageSource: "estimated" });
    await reader.cancel();
    expect(events).toHaveLength(1);
  });
});

test("an answer that nobody reads is given up when it is forgotten, and what was asked is paid", async () => {
  const { events } = startMeters();
  let forgotten: Response[] | undefined = [await ask({ text }), await ask({}, { stream: false })];
  expect(forgotten.map(({ status }) => status)).toEqual([200, 200]);
  forgotten = undefined;
  await vi.waitFor(
    () => {
      collectGarbage();
      expect(events).toHaveLength(2);
    },
    { timeout: 20_000, interval: 20 },
  );
  for (const event of events) expect(event).toMatchObject({ ...givenUp, usageSource: "estimated", outputTokens: 0 });
});

test("a reader that is held while its response is forgotten reads on, and its call with it", async () => {
  const { events } = startMeters();
  const reader = (await ask({ text, delivery: { cut: 100 } })).body!.getReader();
  for (;;) {
    collectGarbage();
    if ((await reader.read()).done) break;
  }
  expect(await only(events)).toMatchObject(whole);
});

test("a call given up before its headers costs nothing that is known", async () => {
  const { events } = startMeters();
  const controller = new AbortController();
  controller.abort(new Error("the caller's own reason"));
  await expect(ask({}, { signal: controller.signal })).rejects.toThrow("the caller's own reason");
  expect(await only(events)).toMatchObject({ ...givenUp, usageSource: "none", attempts: 1 });
});

test("a time limit of the caller is a failure by that name", async () => {
  const { events } = startMeters();
  const response = await ask({ text, delivery: { holdAfter: 1 } }, { signal: AbortSignal.timeout(200) });
  await expect(response.text()).rejects.toThrow(/timeout/);
  expect(await only(events)).toMatchObject({ isSuccess: false, errorType: "TimeoutError" });
});

test.each([
  [400, "400"],
  [404, "404"],
  [429, "429"],
  [500, "500"],
])("an answer of status %d fails at once, read or not", async (status, errorType) => {
  const { events } = startMeters();
  const response = await ask({ failure: { status } }, { stream: false });
  expect(response.status).toBe(status);
  expect(await only(events)).toMatchObject({ isSuccess: false, errorType, usageSource: "none", attempts: 1 });
  expect(await response.json()).toMatchObject({ error: { message: "the request was refused" } });
  expect(events).toHaveLength(1);
});

test("nobody there is a failure by the code of that", async () => {
  const { events } = startMeters();
  const nobody = await startProvider();
  await nobody.stop();
  const body = JSON.stringify({ model: "gpt-5", messages: [{ role: "user", content: "Hello" }] });
  const call = metered(`${nobody.url}/v1/chat/completions`, { method: "POST", body });
  await expect(call).rejects.toThrow("fetch failed");
  expect(await only(events)).toMatchObject({ isSuccess: false, errorType: "ECONNREFUSED", usageSource: "none" });
});

test("a whole answer read by its bytes is read as one", async () => {
  const { events } = startMeters();
  for (const read of ["text", "arrayBuffer", "bytes", "blob"] as const) {
    await (await ask({}, { stream: false }))[read]();
  }
  const response = await ask({ delivery: { encoding: "gzip" } }, { stream: false });
  for await (const _piece of response.body!);
  await settled(events, 5);
  expect(events).toHaveLength(5);
  for (const event of events) expect(event).toMatchObject(whole);
});
