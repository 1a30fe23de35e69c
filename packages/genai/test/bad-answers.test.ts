import { hash } from "node:crypto";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { dialFetch, settled, startCapture } from "./support/capture.ts";
import { listenToDiag, type Meters, startMeters } from "./support/meters.ts";
import { type Provider, startProvider } from "./support/provider.ts";
import type { RawReply, Reply } from "./support/reply.ts";

let provider: Provider;
let meters: Meters;
let told: string[];
beforeAll(async () => {
  provider = await startProvider();
});
afterAll(() => provider.stop());
beforeEach(() => {
  provider.forget();
  dialFetch(provider);
  meters = startMeters();
  told = listenToDiag();
});

const chat = "https://api.openai.com/v1/chat/completions";
const messages = "https://api.anthropic.com/v1/messages";
const gemini = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:streamGenerateContent";

function ask(url = chat, body: object = {}, init: RequestInit = {}): Promise<Response> {
  const asked = { model: "gpt-5", messages: [{ role: "user", content: "Hello" }], ...body };
  return fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(asked),
    ...init,
  });
}

/** What came of an answer: its status, headers and bytes, or the error that reading it ended in. */
async function seen(asking: Promise<Response>): Promise<unknown> {
  const answer = await asking;
  const head = { status: answer.status, headers: [...answer.headers] };
  try {
    return { ...head, bytes: Buffer.from(await answer.arrayBuffer()).toString("latin1") };
  } catch (error) {
    return { ...head, error: String(error) };
  }
}

/** Asks without capture and with it; the answers must be the same, to the byte. */
async function askTwice(reply: () => Reply, body: object = {}, url = chat): Promise<void> {
  provider.script(reply());
  const without = await seen(ask(url, body));
  startCapture();
  provider.script(reply());
  expect(await seen(ask(url, body))).toEqual(without);
  await settled(meters.events, 1);
  expect(meters.events).toHaveLength(1);
}

const streamed = (...frames: (string | Uint8Array)[]): RawReply => ({ contentType: "text/event-stream", frames });
const chunk = (content: string): string =>
  `data: ${JSON.stringify({ model: "gpt-5", choices: [{ index: 0, delta: { content } }] })}\n\n`;

describe("an answer that cannot be read reaches the application as it came, and is counted as such", () => {
  test.each<[string, string]>([
    ["cut JSON", '{"model":"gpt-5","choices":[{"message":{"content":"Hel'],
    ["no JSON at all", "<html>502 Bad Gateway</html>"],
    ["nothing", ""],
    ["a number", "42"],
    ["null", "null"],
    ["a list", '[1,"two",{"usage":3}]'],
    ["usage of another kind", '{"model":"gpt-5","usage":"lots"}'],
    ["bytes that are no text", "\u0000\uffff"],
    ["deep nesting", `${"[".repeat(20_000)}${"]".repeat(20_000)}`],
    ["a prototype", '{"model":"gpt-5","__proto__":{"usage":{"prompt_tokens":1}},"constructor":1,"usage":null}'],
  ])("%s", async (_what, body) => {
    await askTwice(() => ({ raw: { frames: [body] } }));
    expect(meters.events).toMatchObject([{ provider: "openai", model: "gpt-5", isSuccess: true }]);
    expect(["none", "estimated"]).toContain(meters.events[0]?.usageSource);
    expect(meters.events[0]?.costNanoUsd === 0n).toBe(false);
  });

  test.each<[string, (string | Uint8Array)[]]>([
    ["cut JSON in an event", [chunk("Hi"), 'data: {"choices":[{"delta":{"content":"x\n\n', "data: [DONE]\n\n"]],
    ["no events at all", ["<html>502 Bad Gateway</html>"]],
    ["nothing", []],
    ["fields nobody knows", ["colour: blue\n", "data\n", ":\n", "event:\n", "\n\n\n", chunk("Hi"), "data: [DONE]\n\n"]],
    ["an end in the middle of an event", [chunk("Hi"), 'data: {"choices":[]']],
    ["bytes that are no text", [chunk("Hi"), new Uint8Array([0xff, 0xfe, 0x00, 0xc3, 0x0a, 0x0a]), "data: [DONE]\n\n"]],
    ["a line without an end", [`data: ${"x".repeat(3_000_000)}`]],
    ["returns alone", [chunk("Hi").replaceAll("\n", "\r"), "data: [DONE]\r\r"]],
    ["a mark of byte order", ["\ufeff", chunk("Hi"), "data: [DONE]\n\n"]],
    [
      "values of other kinds",
      [
        'data: {"choices":"none"}\n\n',
        "data: 42\n\n",
        "data: null\n\n",
        'data: {"choices":[null,{"delta":7}],"usage":[]}\n\n',
      ],
    ],
  ])("a stream: %s", async (_what, frames) => {
    await askTwice(() => ({ raw: streamed(...frames) }), { stream: true });
    expect(meters.events).toMatchObject([{ provider: "openai", model: "gpt-5" }]);
    expect(meters.events[0]?.usageSource).not.toBe("provider");
  });

  test("what could not be read is told once, without a word of it", async () => {
    const broken = (): Reply => ({ raw: { frames: ['{"secret-of-the-answer'] } });
    // One that no test before has told of.
    const groq = "https://api.groq.com/openai/v1/chat/completions";
    await askTwice(broken, {}, groq);
    provider.script(broken());
    await seen(ask(groq));
    await settled(meters.events, 2);
    expect(told.filter((line) => line.includes("[capture]"))).toHaveLength(1);
    expect(told.join("\n")).not.toContain("secret-of-the-answer");
  });
});

describe("usage that cannot be", () => {
  const usage = (prompt: unknown, completion: unknown): object => ({
    usage: { prompt_tokens: prompt, completion_tokens: completion },
  });

  test.each<[string, object]>([
    ["missing", { bill: null }],
    ["null", { usage: null }],
    ["negative", usage(-5, -1)],
    ["fractional", usage(1.5, 0.25)],
    ["absurd", usage(1e300, Number.MAX_SAFE_INTEGER + 2)],
    ["text", usage("100", "20")],
    ["objects", usage({}, [])],
  ])("%s: the call is counted, and no sum is spoilt", async (_what, reply) => {
    await askTwice(() => reply);
    const [event] = meters.events;
    expect(event).toMatchObject({ isSuccess: true, attempts: 1 });
    for (const count of [event?.inputTokens, event?.outputTokens]) {
      expect(
        count === null || (Number.isSafeInteger(count) && (count as number) >= 0 && (count as number) < 1000),
      ).toBe(true);
    }
    const collection = await meters.collect();
    expect(collection.total("llm.requests")).toBe(1);
    for (const name of ["input_tokens", "output_tokens"]) {
      const sum = collection.total(`gen_ai.client.inference.usage.${name}`);
      expect(sum >= 0 && sum < 1000, `${name} ${sum}`).toBe(true);
    }
    // A price for tokens that nobody counted would be made up; one of an estimate says so.
    if (event?.costNanoUsd !== null) expect(event?.costStatus).toBe("estimated");
  });

  test("one that is wrong does not take the others with it", async () => {
    await askTwice(() => usage(-5, 20));
    expect(meters.events[0]?.outputTokens).toBe(20);
    expect(meters.events[0]?.inputTokens === null || meters.events[0]!.inputTokens >= 0).toBe(true);
  });

  test("more cached tokens than there are leave the call unpriced, not with a price below zero", async () => {
    await askTwice(() => ({
      usage: { prompt_tokens: 10, completion_tokens: 1, prompt_tokens_details: { cached_tokens: 999 } },
    }));
    const { costNanoUsd, costStatus } = meters.events[0]!;
    expect(costNanoUsd === null ? costStatus : costNanoUsd > 0n).toBe(costNanoUsd === null ? "unpriced" : true);
  });
});

describe("an answer that says 200 and means failure", () => {
  test("an error in place of the answer is a failure, by the provider's word for it", async () => {
    const error = { message: "secret-of-the-answer", type: "insufficient_quota", code: "insufficient_quota" };
    await askTwice(() => ({ raw: { frames: [JSON.stringify({ error })] } }));
    expect(meters.events).toMatchObject([{ isSuccess: false, errorType: "insufficient_quota", costNanoUsd: null }]);
  });

  test.each([
    ["openai", chat, { stream: true }, "overloaded_error"],
    ["anthropic", messages, { stream: true, model: "claude-sonnet-5" }, "overloaded_error"],
    ["gemini", `${gemini}?alt=sse`, {}, "UNAVAILABLE"],
  ])(
    "an error event in a stream of %s is a failure that keeps what was used until then",
    async (_name, url, body, type) => {
      await askTwice(() => ({ errorEventAfter: 2, text: ["one", " two", " three"] }), body, url);
      expect(meters.events).toMatchObject([{ isSuccess: false, errorType: type }]);
      expect(meters.events[0]?.outputTokens).toBeGreaterThan(0);
    },
  );

  test("a word for the failure that is no word becomes none: it may say anything", async () => {
    const error = { message: "m", type: "Your prompt 'my card is 4111' was refused" };
    await askTwice(() => ({ raw: { frames: [JSON.stringify({ error })] } }));
    expect(meters.events[0]?.isSuccess).toBe(false);
    expect(JSON.stringify([meters.events[0]?.errorType, (await meters.collect()).resourceMetrics])).not.toContain(
      "4111",
    );
  });
});

describe("a transport that lies", () => {
  // The comment before a chunk that is hidden is not hidden with it.
  const usageToo = { stream: true, stream_options: { include_usage: true } };

  test.each(["bytes", 3, 50, 1000] as const)(
    "a stream whose usage is hidden, cut into %s, is what it is without",
    async (cut) => {
      await askTwice(() => ({ text: ["Grüße, ", "世界 ", "👩‍👩‍👧"], delivery: { cut } }), { stream: true });
      expect(meters.events).toMatchObject([{ inputTokens: 100, outputTokens: 20, usageSource: "provider" }]);
    },
  );

  test("a length that is too great is the same error with capture, and a failed call", async () => {
    await askTwice(() => ({ delivery: { contentLength: 100_000 } }));
    expect(meters.events).toMatchObject([{ isSuccess: false, errorType: "UND_ERR_SOCKET" }]);
  });

  test("a length that is too small gives the same cut answer", async () => {
    await askTwice(() => ({ delivery: { contentLength: 10 } }));
    expect(meters.events).toHaveLength(1);
  });

  test.each(["gzip", "br", "deflate"] as const)(
    "an answer packed by %s is read, whole and streamed, and reaches the application unpacked",
    async (encoding) => {
      await askTwice(() => ({ delivery: { encoding } }));
      provider.script({ delivery: { encoding, cut: 7 } });
      await seen(ask(chat, { stream: true }));
      await settled(meters.events, 2);
      expect(meters.events.map(({ inputTokens, usageSource }) => [inputTokens, usageSource])).toEqual([
        [100, "provider"],
        [100, "provider"],
      ]);
    },
  );

  test.each([
    [chat, usageToo],
    [messages, { stream: true, model: "claude-sonnet-5" }],
    [`${gemini}?alt=sse`, {}],
    [gemini, {}],
    ["http://localhost:11434/api/chat", {}],
  ])("%s in single bytes, which cut characters and lines, is read alike", async (url, body) => {
    await askTwice(() => ({ text: ["Grüße, ", "世界 ", "👩‍👩‍👧"], delivery: { cut: "bytes", comments: true } }), body, url);
    expect(meters.events).toMatchObject([{ inputTokens: 100, outputTokens: 20, usageSource: "provider" }]);
  });

  test("lines that end in CR LF, and comments between them, are read alike", async () => {
    await askTwice(() => ({ delivery: { lineEnd: "\r\n", comments: true, cut: 3 } }), usageToo);
    expect(meters.events).toMatchObject([{ inputTokens: 100, outputTokens: 20, usageSource: "provider" }]);
  });
});

describe("an answer of a hundred megabytes", () => {
  const size = 100 * 1024 * 1024;
  const block = "x".repeat(64 * 1024);

  function* whole(): Generator<string> {
    yield '{"model":"gpt-5","choices":[{"message":{"content":"';
    for (let sent = 0; sent < size; sent += block.length) yield block;
    yield '"}}],"usage":{"prompt_tokens":100,"completion_tokens":20}}';
  }
  function* events(): Generator<string> {
    const one = chunk(block);
    for (let sent = 0; sent < size; sent += one.length) yield one;
    yield 'data: {"model":"gpt-5","choices":[],"usage":{"prompt_tokens":100,"completion_tokens":20}}\n\ndata: [DONE]\n\n';
  }

  test.each([
    ["whole", {}, (): RawReply => ({ frames: whole() })],
    ["streamed", { stream: true }, (): RawReply => ({ contentType: "text/event-stream", frames: events() })],
  ] as const)(
    "%s reaches a reader that keeps none of it, and neither does capture",
    { timeout: 120_000 },
    async (_what, body, raw) => {
      startCapture();
      provider.script({ raw: raw() });
      const answer = await ask(chat, body);
      let read = 0;
      let most = 0;
      const collect = garbageCollector();
      for await (const piece of answer.body as AsyncIterable<Uint8Array>) {
        const before = read;
        read += piece.length;
        if (Math.floor(before / 10_485_760) === Math.floor(read / 10_485_760)) continue;
        collect();
        most = Math.max(most, process.memoryUsage().external + process.memoryUsage().heapUsed);
      }
      expect(read).toBeGreaterThan(size);
      await settled(meters.events, 1);
      expect(meters.events).toHaveLength(1);
      expect(meters.events[0]?.isSuccess).toBe(true);
      // The test runner itself takes some tens of megabytes.
      expect(most).toBeLessThan(size * 0.9 + baseline);
      if (_what === "streamed") expect(meters.events).toMatchObject([{ inputTokens: 100, usageSource: "provider" }]);
    },
  );

  const baseline = process.memoryUsage().external + process.memoryUsage().heapUsed;
});

describe("a reader that is unlike others", () => {
  test("a body that nobody reads ends its call when it is garbage", async () => {
    startCapture();
    provider.script({ delivery: { holdAfter: 1 } });
    const held = provider.held();
    await leaveUnread();
    await held;
    const collect = garbageCollector();
    await vi.waitFor(
      () => {
        collect();
        expect(meters.events).toHaveLength(1);
      },
      { timeout: 20_000, interval: 20 },
    );
    expect(meters.events).toMatchObject([{ model: "gpt-5", isSuccess: false }]);
  });

  test("a body that is cancelled at once is given up, and the provider is told", async () => {
    startCapture();
    provider.script({ delivery: { holdAfter: 1 } });
    const answer = await ask(chat, { stream: true });
    await answer.body?.cancel();
    await settled(meters.events, 1);
    expect(meters.events).toMatchObject([{ isSuccess: false, errorType: null }]);
  });

  test("a clone and its original are read in full, and are one call", async () => {
    startCapture();
    const answer = await ask(chat, { stream: true });
    const copy = answer.clone();
    const [one, two] = await Promise.all([answer.text(), copy.text()]);
    expect(one).toBe(two);
    await settled(meters.events, 1);
    expect(meters.events).toMatchObject([{ inputTokens: 100, usageSource: "provider" }]);
  });

  test.each(["json", "text", "arrayBuffer", "blob", "bytes"] as const)(
    "answer.%s() gives what it gives without capture",
    async (method) => {
      const without = await (await ask())[method]();
      startCapture();
      const captured = await (await ask())[method]();
      if (without instanceof Blob) {
        expect(captured).toBeInstanceOf(Blob);
        expect(await (captured as Blob).text()).toBe(await without.text());
      } else expect(captured).toEqual(without);
      await settled(meters.events, 1);
      expect(meters.events).toMatchObject([{ inputTokens: 100 }]);
    },
  );

  test("an answer read twice is refused as ever", async () => {
    startCapture();
    const answer = await ask();
    await answer.json();
    expect(answer.bodyUsed).toBe(true);
    await expect(answer.json()).rejects.toThrow(TypeError);
    expect(answer).toBeInstanceOf(Response);
    expect(answer.url).toContain("/v1/chat/completions");
  });

  test("a stream is asked for no faster than its reader reads", async () => {
    startCapture();
    let made = 0;
    const frames = (function* (): Generator<string> {
      for (; made < 2000; made += 1) yield chunk("x".repeat(64 * 1024));
    })();
    provider.script({ raw: { contentType: "text/event-stream", frames } });
    const answer = await ask(chat, { stream: true });
    const reader = answer.body!.getReader();
    await reader.read();
    // Nothing is read now: what is made comes to a stop far from its end, in the buffers between.
    await vi.waitFor(
      async () => {
        const before = made;
        await new Promise((resolve) => setTimeout(resolve, 200));
        expect(made).toBe(before);
      },
      { timeout: 20_000 },
    );
    expect(made).toBeLessThan(1000);
    await reader.cancel();
    await settled(meters.events, 1);
  });
});

describe("others who change fetch", () => {
  test("somebody who wraps it after us sees every call, and each is counted once", async () => {
    startCapture();
    const ours = globalThis.fetch;
    let seenBy = 0;
    globalThis.fetch = (input, init) => {
      seenBy += 1;
      return ours(input, init);
    };
    await seen(ask());
    await settled(meters.events, 1);
    expect([seenBy, meters.events.length]).toEqual([1, 1]);
  });

  test("capture that was started twice counts once, and lasts until both have ended", async () => {
    const before = globalThis.fetch;
    startCapture();
    startCapture();
    await seen(ask());
    await settled(meters.events, 1);
    expect(meters.events).toHaveLength(1);
    expect(globalThis.fetch).not.toBe(before);
  });

  test("a request that is no model call passes by without a mark", async () => {
    startCapture();
    provider.script({ raw: { frames: ["[1]"] } });
    const answer = await fetch("https://api.example.com/orders", { method: "POST", body: '{"model":"gpt-5"}' });
    expect(await answer.json()).toEqual([1]);
    await settled(meters.events, 0);
    expect(meters.events).toEqual([]);
  });

  test.each<[string, () => Promise<unknown>]>([
    ["an address that is none", () => fetch("https://")],
    ["a signal that is aborted already", () => ask(chat, {}, { signal: AbortSignal.abort(new Error("mine")) })],
    [
      "a body that is used up",
      async () => {
        const request = new Request(chat, { method: "POST", body: "{}" });
        await request.text();
        return fetch(request);
      },
    ],
    ["a line nobody answers on", () => fetch("http://127.0.0.1:1/v1/chat/completions", { method: "POST", body: "{}" })],
  ])("%s throws what it throws without capture", async (_what, call) => {
    const thrown = async (): Promise<unknown> =>
      call().then(
        () => "nothing",
        (error: unknown) => [(error as Error).name, (error as Error).message, String((error as Error).cause)],
      );
    const without = await thrown();
    startCapture();
    expect(await thrown()).toEqual(without);
  });
});

test("the bytes that the provider gets are those of the caller, but for the wish for usage", async () => {
  startCapture();
  const body = '{ "model":"gpt-5", "messages":[{"role":"user","content":"H\\u00e9 \\ud83d"}],\n"n":1e2}';
  await seen(fetch(chat, { method: "POST", body, headers: { "X-Own": "kept" } }));
  expect(provider.requests[0]?.bytes.toString()).toBe(body);
  expect(provider.requests[0]?.headers["x-own"]).toBe("kept");
  const stream = body.replace("{", '{"stream":true,');
  await seen(fetch(chat, { method: "POST", body: stream }));
  const asked = provider.requests[1]!;
  expect({ ...asked.body, stream_options: undefined }).toEqual({
    ...(JSON.parse(stream) as object),
    stream_options: undefined,
  });
  expect(Number(asked.headers["content-length"])).toBe(asked.bytes.length);
  expect(hash("sha256", asked.bytes)).not.toBe(hash("sha256", stream));
});

async function leaveUnread(): Promise<void> {
  const answer = await ask(chat, { stream: true });
  expect(answer.status).toBe(200);
}

function garbageCollector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}
