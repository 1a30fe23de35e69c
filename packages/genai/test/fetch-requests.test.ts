import { Readable } from "node:stream";
import { text as textOf } from "node:stream/consumers";
import type { UsageEvent } from "@meterbridge/core";
import { llm, withoutCapture } from "@meterbridge/core";
import OpenAI, { toFile } from "openai";
import { fetch as undiciFetch } from "undici";
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { captureFetch } from "../src/fetch/capture-fetch.ts";
import { captureState } from "../src/fetch/capture-state.ts";
import { meterFetch } from "../src/fetch/meter-fetch.ts";
import { dialFetch, settled, startCapture } from "./support/capture.ts";
import { collectGarbage } from "./support/garbage.ts";
import { startMeters } from "./support/meters.ts";
import { type Provider, startProvider } from "./support/provider.ts";

let provider: Provider;
beforeAll(async () => {
  provider = await startProvider();
});
afterEach(() => {
  provider.forget();
  captureState().refusingHosts.clear();
  captureState().answeredModels.clear();
});
afterAll(() => provider.stop());

const bare = globalThis.fetch;
const messages = [{ role: "user" as const, content: "Hello" }];
const body = JSON.stringify({ model: "gpt-5", messages });
const streamed = JSON.stringify({ model: "gpt-5", messages, stream: true });
const chat = (): string => `${provider.url}/v1/chat/completions`;

async function only(events: readonly UsageEvent[]): Promise<UsageEvent> {
  await settled(events, 1);
  expect(events).toHaveLength(1);
  return events[0]!;
}

describe("what is asked is read from", () => {
  const bytes = new TextEncoder().encode(body);
  const pieces = (): ReadableStream => new Blob([bytes]).stream();
  const post = { method: "POST", body };
  test.each<[string, () => [input: string | URL | Request, init?: RequestInit]]>([
    ["a text", () => [chat(), post]],
    ["bytes", () => [new URL(chat()), { ...post, body: bytes }]],
    ["a request", () => [new Request(chat(), post)]],
    ["a request of a stream", () => [new Request(chat(), { method: "post", body: pieces(), duplex: "half" })]],
    ["what is laid over a request", () => [new Request(chat(), { method: "PUT", body: "{}" }), post]],
  ])("%s", async (_name, given) => {
    const { events } = startMeters();
    const [input, init] = given();
    const answer = await meterFetch(bare)(input, init);
    expect(await answer.json()).toMatchObject({ model: "gpt-5" });
    expect(provider.requests[0]?.bytes.toString()).toBe(body);
    expect(await only(events)).toMatchObject({
      model: "gpt-5",
      inputTokens: 100,
      usageSource: "provider",
      attempts: 1,
    });
  });

  test("a form", async () => {
    const { events } = startMeters();
    dialFetch(provider);
    startCapture();
    const file = await toFile(new Uint8Array([1, 2, 3]), "speech.wav");
    await new OpenAI({ apiKey: "key" }).audio.transcriptions.create({ model: "gpt-4o-transcribe", file });
    expect(await only(events)).toMatchObject({ provider: "openai", model: "gpt-4o-transcribe", isSuccess: true });
  });

  test("the answer, where the body is a stream or no JSON", async () => {
    const { events } = startMeters();
    dialFetch(provider);
    startCapture();
    provider.script({ model: "gpt-5-2025-08-07" }, { model: "gpt-5-2025-08-07" });
    const stream = new Blob([bytes]).stream();
    const address = "https://api.openai.com/v1/chat/completions";
    await (await fetch(address, { method: "POST", body: stream, duplex: "half" })).json();
    await (await fetch(address, { method: "POST", body: new Blob([bytes]) })).json();
    await settled(events, 2);
    for (const event of events) {
      expect(event).toMatchObject({ model: "unknown", responseModel: "gpt-5-2025-08-07", inputTokens: 100 });
    }
  });
});

test("a request object is the caller's: it stays as fetch leaves it, and can be sent again where it could before", async () => {
  startMeters();
  const tried = async (fetch: typeof bare): Promise<unknown> => {
    const request = new Request(chat(), { method: "POST", body });
    const copy = request.clone();
    const { body: stream } = request;
    await (await fetch(request)).text();
    const again = await fetch(request).catch((error: unknown) => String(error));
    const second = await (await fetch(copy)).json();
    return [request.bodyUsed, request.body === stream, stream?.locked, again, second, Object.keys(Object(stream))];
  };
  expect(await tried(meterFetch(bare))).toEqual(await tried(bare));
});

describe("usage is asked for", () => {
  const ask = async (init: RequestInit = {}): Promise<string> =>
    (await meterFetch(bare)(chat(), { method: "POST", body: streamed, ...init })).text();

  test("before all that the caller wrote, which stays as it was to the last digit", async () => {
    startMeters();
    const text = `{ "model":"gpt-5","seed": 12345678901234567890, "temperature":1.0,\n"messages":[{"role":"user","content":"é"}],"stream":true}`;
    await ask({ body: text });
    await ask({ body: new TextEncoder().encode(text) });
    const asked = text.replace("{", '{"stream_options":{"include_usage":true},');
    expect(provider.requests.map(({ bytes }) => bytes.toString())).toEqual([asked, asked]);
  });

  test("not where the caller has said how long the body is, or has sealed it", async () => {
    startMeters();
    const sent: unknown[] = [];
    const fetch = meterFetch((_url: string, init: RequestInit) => {
      sent.push(init.body);
      return Promise.resolve(new Response());
    });
    for (const headers of [{ "content-length": "75" }, { "content-digest": "sha-256=:x:" }, {}] as Record<
      string,
      string
    >[]) {
      await fetch(chat(), { method: "POST", body: streamed, headers });
    }
    expect(sent).toEqual([streamed, streamed, expect.stringContaining("include_usage")]);
  });

  test("not when that is switched off, and then usage is estimated", async () => {
    const { events } = startMeters();
    dialFetch(provider);
    startCapture({ askForUsage: false });
    await (await fetch("https://api.openai.com/v1/chat/completions", { method: "POST", body: streamed })).text();
    expect(provider.requests[0]?.bytes.toString()).toBe(streamed);
    expect(await only(events)).toMatchObject({ usageSource: "estimated", isSuccess: true });
  });

  test("once of a host that refuses it: the caller sees the answer to what it sent", async () => {
    const { events } = startMeters();
    provider.script({ failure: { status: 400 } }, {}, {});
    const first = await ask();
    const second = await ask();
    expect(first).toContain("Hello");
    expect(second).toBe(first);
    expect(provider.requests.map(({ bytes }) => bytes.toString().includes("include_usage"))).toEqual([
      true,
      false,
      false,
    ]);
    await settled(events, 2);
    expect(events).toHaveLength(2);
    for (const event of events) expect(event).toMatchObject({ isSuccess: true, attempts: 1, usageSource: "estimated" });
  });

  test("again of a host that refused what else was wrong", async () => {
    const { events } = startMeters();
    provider.script({ failure: { status: 400, message: "first" } }, { failure: { status: 400, message: "second" } });
    expect(await ask()).toContain("second");
    await ask();
    expect(provider.requests.map(({ bytes }) => bytes.toString().includes("include_usage"))).toEqual([
      true,
      false,
      true,
    ]);
    await settled(events, 2);
    expect(events).toMatchObject([{ errorType: "400" }, { isSuccess: true }]);
  });
});

describe("a call is counted once", () => {
  test("by wrappers over each other, whoever stands between them", async () => {
    const { events } = startMeters();
    const twice = meterFetch(meterFetch(bare));
    const passed = meterFetch((...given: Parameters<typeof bare>) => meterFetch(bare)(...given));
    const late = meterFetch(async (...given: Parameters<typeof bare>) => {
      await new Promise((resolve) => setImmediate(resolve));
      return meterFetch(bare)(...given);
    });
    for (const fetch of [twice, passed, late]) {
      await (await fetch(chat(), { method: "POST", body })).json();
    }
    await settled(events, 3);
    expect(events).toHaveLength(3);
  });

  test("by who is told how to read it, and by nobody where it is nobody's to pay", async () => {
    const { events } = startMeters();
    const fetch = meterFetch(bare);
    const call = async (): Promise<unknown> => (await fetch(chat(), { method: "POST", body })).json();
    await llm.measure({ provider: "mine", model: "own" }, call, () => ({ inputTokens: 1 }));
    await withoutCapture(call);
    await settled(events, 1);
    expect(events).toMatchObject([{ provider: "mine", model: "own", inputTokens: 1 }]);
  });

  test("by llm.measure or by fetch, not by both", async () => {
    const { events } = startMeters();
    const fetch = meterFetch(bare);
    await llm.measure({ provider: "openai", model: "gpt-5" }, async () =>
      (await fetch(chat(), { method: "POST", body })).json(),
    );
    expect(await only(events)).toMatchObject({ inputTokens: 100 });
  });
});

test("other requests are handed on: the same promise, the same arguments, the same failures", () => {
  const seen: unknown[][] = [];
  const promise = Promise.resolve(new Response("x"));
  const fetch = meterFetch((...given: unknown[]) => {
    seen.push(given);
    return promise as never;
  });
  const requests: unknown[][] = [
    ["https://example.com/v1/users", { method: "POST", body }],
    ["https://api.openai.com/v1/chat/completions"],
    [new URL("https://api.openai.com/v1/models")],
    [new Request("https://example.com/"), undefined],
    [undefined],
    [],
  ];
  for (const given of requests) expect(fetch(...given)).toBe(promise);
  expect(seen).toEqual(requests);
  const failing = meterFetch(() => {
    throw new Error("at once");
  });
  expect(() => (failing as typeof bare)("https://example.com/", { method: "POST" })).toThrow("at once");
});

describe("the global fetch", () => {
  test("keeps its name, its length and what else it carries, and is put back", () => {
    startMeters();
    const original = Object.assign(
      function own(input: string) {
        return bare(input);
      },
      { preconnect: "own" },
    );
    globalThis.fetch = original as never;
    const end = captureFetch();
    const again = captureFetch();
    onTestFinished(() => {
      end();
      again();
      globalThis.fetch = bare;
    });
    expect(globalThis.fetch).not.toBe(original);
    expect([fetch.name, fetch.length, Reflect.get(fetch, "preconnect")]).toEqual(["own", 1, "own"]);
    end();
    end();
    expect(globalThis.fetch).not.toBe(original);
    again();
    expect(globalThis.fetch).toBe(original);
  });

  test("is left to whoever replaced it since, and what is metered beneath is metered no more", async () => {
    const { events } = startMeters();
    const end = captureFetch();
    const metered = globalThis.fetch;
    const theirs: typeof bare = (...given) => metered(...given);
    globalThis.fetch = theirs;
    onTestFinished(() => {
      end();
      globalThis.fetch = bare;
    });
    await (await fetch(chat(), { method: "POST", body })).json();
    await settled(events, 1);
    end();
    expect(globalThis.fetch).toBe(theirs);
    await (await fetch(chat(), { method: "POST", body })).json();
    expect(events).toHaveLength(1);
  });

  test("refuses options that are none", () => {
    const wrong = (options: unknown) => () => captureFetch(options as never);
    expect(wrong({ askForUsage: "yes" })).toThrow(
      '[meterbridge] [capture] option "askForUsage" must be true or false, found "yes"',
    );
    expect(wrong({ hosts: { "llm.internal": "acme:klingon" } })).toThrow(
      /option "hosts" must be .*, found "acme:klingon"/,
    );
    expect(wrong({ host: {} })).toThrow(/option "host" is unknown; known are askForUsage, hosts/);
    expect(wrong(null)).toThrow("captureFetch() takes an object of options, found null");
    expect(wrong("fetch")).toThrow('captureFetch() takes an object of options, found "fetch"');
  });
});

test("the fetch of undici's own package is metered like the global one", async () => {
  const { events } = startMeters();
  const fetch = meterFetch(undiciFetch);
  const answer = await fetch(chat(), { method: "POST", body: streamed });
  for await (const _piece of answer.body!);
  expect(await only(events)).toMatchObject({ inputTokens: 100, outputTokens: 20, usageSource: "provider" });
});

describe("the answer of a fetch whose bodies are streams of Node.js", () => {
  /** As `node-fetch` has it. */
  const nodeFetch = async (input: string, init: RequestInit) => {
    const answer = await bare(input, init);
    const readable = Readable.fromWeb(answer.body as never);
    const text = async (): Promise<string> => textOf(readable);
    return {
      status: 200,
      ok: true,
      headers: answer.headers,
      body: readable,
      text,
      json: async () => JSON.parse(await text()) as unknown,
    };
  };
  const asked = streamed.replace('"stream":true', '"stream":true,"stream_options":{"include_usage":true}');
  const told = { inputTokens: 100, outputTokens: 20, usageSource: "provider", isSuccess: true };

  test("is read as it is read", async () => {
    const { events } = startMeters();
    const fetch = meterFetch(nodeFetch);
    await (await fetch(chat(), { method: "POST", body })).json();
    for (const sent of [asked, streamed]) {
      const { body: stream } = await fetch(chat(), { method: "POST", body: sent });
      let seen = "";
      for await (const piece of stream) seen += String(piece);
      expect(seen).toContain("world");
      expect(seen.includes('"prompt_tokens"')).toBe(sent === asked);
    }
    const { body: flowing } = await fetch(chat(), { method: "POST", body: asked });
    await new Promise((resolve) => flowing.on("data", () => {}).on("end", resolve));
    await settled(events, 4);
    expect(events).toHaveLength(4);
    for (const event of events) expect(event).toMatchObject(told);
  });

  test.each([true, false])("is given up and breaks off like any other (asked: %s)", async (isAsked) => {
    const { events } = startMeters();
    const fetch = meterFetch(nodeFetch);
    const sent = isAsked ? asked : streamed;
    provider.script({ delivery: { holdAfter: 1 } }, { delivery: { destroyAfter: 1 } });
    const { body: first } = await fetch(chat(), { method: "POST", body: sent });
    for await (const piece of first) if (String(piece).includes("Hello")) break;
    await settled(events, 1);
    expect(events).toMatchObject([{ isSuccess: false, errorType: null }]);
    const { body: second } = await fetch(chat(), { method: "POST", body: sent });
    await expect(textOf(second)).rejects.toThrow(/terminated/);
    await settled(events, 2);
    expect(events[1]).toMatchObject({
      isSuccess: false,
      errorType: expect.stringMatching(/UND_ERR_SOCKET|ECONNRESET/),
    });
  });
});

test("a host of the application's own is known by its configuration", async () => {
  const { events } = startMeters();
  const host = new URL(provider.url).host;
  startCapture({ hosts: { [host]: "acme" } });
  await (await fetch(chat(), { method: "POST", body })).json();
  expect(await only(events)).toMatchObject({ provider: "acme", model: "gpt-5" });
});

test("a model is a label when it is known to be one, whatever requests name", async () => {
  const meters = startMeters();
  startCapture({ models: ["house-model"] });
  const ask = async (model: string, status?: number): Promise<void> => {
    if (status !== undefined) provider.script({ failure: { status } });
    await fetch(chat(), { method: "POST", body: JSON.stringify({ model, messages }) }).then((answer) => answer.text());
  };
  await ask("made-up-1", 404);
  await ask("made-up-2", 404);
  await ask("house-model", 500);
  await ask("answered-1");
  await ask("answered-1", 500);
  await settled(meters.events, 5);
  expect(meters.events.map(({ model }) => model)).toEqual([
    "made-up-1",
    "made-up-2",
    "house-model",
    "answered-1",
    "answered-1",
  ]);
  const collection = await meters.collect();
  const labels = collection
    .points("llm.requests")
    .map(({ attributes, value }) => [attributes["model"], attributes["status"], value]);
  expect(labels.toSorted((one, other) => String(one).localeCompare(String(other)))).toEqual([
    ["answered-1", "completed", 1],
    ["answered-1", "failed", 1],
    ["house-model", "failed", 1],
    ["other", "failed", 2],
  ]);
});

test("the memory of a stream does not grow with its length", async () => {
  startMeters();
  const chunk = new TextEncoder().encode(
    `data: ${JSON.stringify({ choices: [{ delta: { content: "x".repeat(100) } }] })}\n\n`,
  );
  let left = 0;
  const fetch = meterFetch(async () => {
    const source = new ReadableStream({
      type: "bytes",
      pull(controller) {
        left -= 1;
        if (left < 0) controller.close();
        else controller.enqueue(chunk.slice());
      },
    });
    return new Response(source, { headers: { "content-type": "text/event-stream" } });
  }) as typeof bare;
  const heldAfter = async (chunks: number, asks: boolean): Promise<number> => {
    left = chunks;
    const asked = asks ? streamed.replace("}", ',"stream_options":{"include_usage":true}}') : streamed;
    const answer = await fetch("https://api.openai.com/v1/chat/completions", { method: "POST", body: asked });
    const reader = answer.body!.getReader();
    for (let read = 0; read < chunks - 1; read += 1) {
      await reader.read();
    }
    collectGarbage();
    const held = process.memoryUsage().heapUsed;
    await reader.cancel();
    return held;
  };
  for (const asks of [true, false]) {
    const short = await heldAfter(1000, asks);
    const long = await heldAfter(100_000, asks);
    // 100,000 chunks are 13 MB.
    expect(long - short).toBeLessThan(1_000_000);
  }
});
