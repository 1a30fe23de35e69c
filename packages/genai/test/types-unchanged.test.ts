import { llm } from "@meterbridge/core";
import type OpenAI from "openai";
import type { APIPromise } from "openai";
import * as undici from "undici";
import { describe, expectTypeOf, test } from "vitest";
import { meterFetch } from "../src/fetch/meter-fetch.ts";
import { openai } from "./support/clients-of-openai.ts";
import { anthropic } from "./support/clients-of-others.ts";

// The compiler checks these; that the values are unchanged too is what the table of calls checks.
const target = { provider: "openai", model: "gpt-5" };
const chat = { model: "gpt-5", messages: [{ role: "user" as const, content: "Hello" }] };

describe("the types that an application sees do not change", () => {
  test("of a metered fetch", () => {
    expectTypeOf(meterFetch(globalThis.fetch)).toEqualTypeOf<typeof globalThis.fetch>();
    expectTypeOf(meterFetch(undici.fetch)).toEqualTypeOf<typeof undici.fetch>();
    const own = Object.assign(async (url: string) => ({ url, own: 1 }), { preconnect: true });
    expectTypeOf(meterFetch(own)).toEqualTypeOf<typeof own>();
  });

  test("of what llm.measure gives back", () => {
    const whole = () => openai().chat.completions.create(chat);
    const metered = () => llm.measure(target, whole);
    expectTypeOf(metered).returns.resolves.toEqualTypeOf<Awaited<ReturnType<typeof whole>>>();
    const stream = () => openai().chat.completions.create({ ...chat, stream: true });
    const meteredStream = () => llm.measure(target, stream);
    expectTypeOf(meteredStream).returns.resolves.toEqualTypeOf<Awaited<ReturnType<typeof stream>>>();
    const message = () => anthropic().messages.create({ model: "claude-sonnet-5", max_tokens: 1, messages: [] });
    const meteredMessage = () => llm.measure(target, message);
    expectTypeOf(meteredMessage).returns.resolves.toEqualTypeOf<Awaited<ReturnType<typeof message>>>();
    const plain = () => llm.measure(target, () => 42);
    expectTypeOf(plain).returns.resolves.toEqualTypeOf<number>();
  });

  test("of the clients, which nothing is put around", () => {
    const create = () => openai().chat.completions.create(chat);
    expectTypeOf(create).returns.toEqualTypeOf<APIPromise<OpenAI.ChatCompletion>>();
  });
});
