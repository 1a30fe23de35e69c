import { describe, expect, expectTypeOf, test } from "vitest";
import type { Core } from "../src/core.ts";
import { meterAgent, meterRetrieval, meterTask, meterTool, meterWebhook, meterWorkflow } from "../src/index.ts";
import { meterFunction, type AnyFunction } from "../src/meter-function.ts";
import { startCore } from "./collecting.ts";
import { collectGarbageUntil } from "./garbage.ts";

const tool =
  (core: Core) =>
  <Work extends AnyFunction>(work: Work): Work =>
    meterFunction(work, () => core.tool.start("search"));

describe("a metered function keeps its type", () => {
  test("of parameters, generics, `this` and result", () => {
    const search = (query: string, most = 5): string[] => [query, String(most)];
    expectTypeOf(meterTool("search", search)).toEqualTypeOf<typeof search>();
    const fetchPage = async (url: URL, signal?: AbortSignal): Promise<{ text: string }> => ({
      text: `${url.href}${String(signal?.aborted)}`,
    });
    expectTypeOf(meterAgent("browser", fetchPage)).toEqualTypeOf<typeof fetchPage>();
    const pick = <Item>(items: readonly Item[], index: number): Item | undefined => items[index];
    expectTypeOf(meterWorkflow("pick", pick)(["a"], 0)).toEqualTypeOf<string | undefined>();
    async function* count(this: { most: number }): AsyncGenerator<number> {
      for (let number = 0; number < this.most; number++) yield number;
    }
    expectTypeOf(meterTask("count", count)).toEqualTypeOf<typeof count>();
    expectTypeOf(meterRetrieval("handbook", search)).toEqualTypeOf<typeof search>();
    expectTypeOf(meterWebhook("changed", fetchPage)).toEqualTypeOf<typeof fetchPage>();
  });

  test("and its name, its length, its properties, and that it can be constructed", () => {
    const { core } = startCore();
    const find = (_query: string, _most: number): string[] => [];
    const search = Object.assign(find, { description: "Searches" });
    const metered = tool(core)(search);
    expect([metered.name, metered.length, metered.description]).toEqual(["find", 2, "Searches"]);
    class Client {
      readonly isClient = true;
    }
    const Metered = tool(core)(Client as unknown as AnyFunction) as unknown as typeof Client;
    expect(new Metered()).toBeInstanceOf(Client);
  });
});

test("a function that returns at once returns at once, with its own `this`", async () => {
  const { core, collect } = startCore();
  const shop = {
    prices: { tea: 3 },
    price: tool(core)(function (this: { prices: { tea: number } }, count: number) {
      return this.prices.tea * count;
    }),
  };
  expect(shop.price(2)).toBe(6);
  const collection = await collect();
  expect(collection.total("tool.calls", { tool: "search", status: "completed" })).toBe(1);
  expect(collection.count("gen_ai.execute_tool.duration")).toBe(1);
});

test("a promise stays a promise, and its call is over when it is settled", async () => {
  const { core, collect } = startCore();
  let answer = (_text: string): void => {};
  const search = tool(core)(async () => new Promise<string>((resolve) => void (answer = resolve)));
  const found = search();
  expect(found).toBeInstanceOf(Promise);
  expect((await collect()).names).not.toContain("tool.calls");
  answer("tea");
  expect(await found).toBe("tea");
  expect((await collect()).total("tool.calls", { status: "completed" })).toBe(1);
});

test("what a function throws or rejects with reaches the app as it is, and counts as failed, an abort as cancelled", async () => {
  const { core, collect } = startCore();
  const failure = new TypeError("secret");
  const abort = new DOMException("x", "AbortError");
  const raise = (thrown: unknown): never => {
    throw thrown;
  };
  const reject = async (thrown: unknown): Promise<never> => raise(thrown);
  expect(() => tool(core)(raise)(failure)).toThrow(failure);
  await expect(tool(core)(reject)(failure)).rejects.toBe(failure);
  await expect(tool(core)(reject)(abort)).rejects.toBe(abort);
  const collection = await collect();
  expect(collection.total("tool.calls", { status: "failed" })).toBe(2);
  expect(collection.total("tool.calls", { status: "cancelled" })).toBe(1);
  expect(collection.count("gen_ai.execute_tool.duration", { "error.type": "TypeError" })).toBe(2);
});

test("a rejection that nobody handles stays unhandled: nobody may swallow an error on the way", async () => {
  const { core } = startCore();
  const unhandled = new Promise((resolve) => process.once("unhandledRejection", resolve));
  const listeners = process.listeners("unhandledRejection").slice(0, -1);
  for (const listener of listeners) process.off("unhandledRejection", listener);
  const failure = new Error("x");
  void tool(core)(async () => Promise.reject(failure))();
  expect(await unhandled).toBe(failure);
  for (const listener of listeners) process.on("unhandledRejection", listener);
});

test("a query that is only sent when it is awaited is neither sent early nor twice, and keeps its methods", async () => {
  const { core, collect } = startCore();
  let sent = 0;
  class Query {
    limit(): this {
      return this;
    }
    // oxlint-disable-next-line unicorn/no-thenable
    then(resolve: (rows: string[]) => void): void {
      sent++;
      resolve(["row"]);
    }
  }
  const find = tool(core)(() => new Query());
  const query = find();
  expect(query).toBeInstanceOf(Query);
  expect([sent, (await collect()).names.includes("tool.calls")]).toEqual([0, false]);
  expect(await query.limit()).toEqual(["row"]);
  expect(sent).toBe(1);
  expect((await collect()).total("tool.calls", { status: "completed" })).toBe(1);
});

test("a client's promise with methods of its own stays that promise, and ends its call by `catch` and `finally` too", async () => {
  const { core, collect } = startCore();
  class ClientPromise extends Promise<string> {
    asResponse(): string {
      return "response";
    }
  }
  const failing = tool(core)(() => ClientPromise.reject(new TypeError("x")) as ClientPromise)();
  expect(failing.asResponse()).toBe("response");
  expect(await failing.catch(() => "caught")).toBe("caught");
  const working = tool(core)(() => ClientPromise.resolve("text") as ClientPromise)();
  expect(await working.finally(() => {})).toBe("text");
  const collection = await collect();
  expect(collection.total("tool.calls", { status: "failed" })).toBe(1);
  expect(collection.total("tool.calls", { status: "completed" })).toBe(1);
});

test("a promise on which methods were hung keeps them, and nobody hears of a rejection that they have handled", async () => {
  const { core, collect } = startCore();
  const heard: unknown[] = [];
  const listen = (error: unknown): void => void heard.push(error);
  process.on("unhandledRejection", listen);
  try {
    // As `ky` does.
    const request = (isFine: boolean): Promise<string> & { json(): Promise<unknown> } => {
      const response = isFine ? Promise.resolve('{"found":1}') : Promise.reject(new TypeError("broken"));
      return Object.assign(response, { json: async () => JSON.parse(await response) as unknown });
    };
    const metered = tool(core)(request);
    expect(await metered(true).json()).toEqual({ found: 1 });
    expect(await metered(true)).toBe('{"found":1}');
    await expect(metered(false).json()).rejects.toThrow("broken");
    await new Promise((resolve) => setImmediate(resolve));
    expect(heard).toEqual([]);
  } finally {
    process.off("unhandledRejection", listen);
  }
  const collection = await collect();
  expect(collection.total("tool.calls", { status: "completed" })).toBe(2);
  expect(collection.total("tool.calls", { status: "failed" })).toBe(1);
});

test("a stream is the same object, and its call is over when it has been read, left or broken", async () => {
  const { core, collect } = startCore();
  async function* numbers(failure?: Error): AsyncGenerator<number> {
    yield 1;
    if (failure) throw failure;
    yield 2;
  }
  const metered = tool(core)(numbers);
  const read = metered();
  expect((await collect()).names).not.toContain("tool.calls");
  for await (const number of read) void number;
  for await (const number of metered()) if (number === 1) break;
  const broken = metered(new RangeError("x"));
  await broken.next();
  await expect(broken.next()).rejects.toThrow(RangeError);
  // A promise of a stream too.
  for await (const number of await tool(core)(async () => numbers())()) void number;
  const collection = await collect();
  expect(collection.total("tool.calls", { status: "completed" })).toBe(2);
  expect(collection.total("tool.calls", { status: "cancelled" })).toBe(1);
  expect(collection.total("tool.calls", { status: "failed" })).toBe(1);
});

test("a page of a list is a result, though the pages after it could be read like a stream", async () => {
  const { core, collect } = startCore();
  const page = {
    data: ["order"],
    hasNextPage: () => false,
    async *[Symbol.asyncIterator]() {
      yield* this.data;
    },
  };
  expect((await tool(core)(async () => page)()).data).toEqual(["order"]);
  expect((await collect()).total("tool.calls", { status: "completed" })).toBe(1);
});

test("an agent whose stream is dropped does not count as active for ever", async () => {
  const { core, collect } = startCore();
  const answer = meterFunction(
    () => ({
      async *[Symbol.asyncIterator]() {
        yield 1;
      },
    }),
    () => core.agent.start("support"),
  );
  answer();
  expect((await collect()).total("agent.active")).toBe(1);
  let active = 1;
  await collectGarbageUntil(() => {
    void collect().then((collection) => (active = collection.total("agent.active")));
    return active === 0;
  });
  expect((await collect()).total("agent.executions", { status: "cancelled" })).toBe(1);
});

test("an agent whose promise is never awaited, since its answer is taken by another method, does not count as active for ever", async () => {
  const { core, collect } = startCore();
  class ClientPromise extends Promise<string> {
    withResponse(): Promise<{ data: string }> {
      return Promise.resolve({ data: "text" });
    }
  }
  const ask = meterFunction(
    () => new ClientPromise((resolve) => resolve("text")),
    () => core.agent.start("support"),
  );
  await (async () => {
    expect(await ask().withResponse()).toEqual({ data: "text" });
  })();
  let active = 1;
  await collectGarbageUntil(() => {
    void collect().then((collection) => (active = collection.total("agent.active")));
    return active === 0;
  });
  expect((await collect()).total("agent.executions", { status: "cancelled" })).toBe(1);
});

test("a retrieval by a metered function tells how many documents were found", async () => {
  const { core, collect } = startCore();
  const search = meterFunction(
    async (_query: string) => ["a", "b", "c"],
    () => core.rag.start("handbook"),
  );
  expect(await search("x")).toHaveLength(3);
  const collection = await collect();
  expect(collection.total("rag.retrieval.documents", { index: "handbook" })).toBe(3);
  expect(collection.total("rag.retrievals", { status: "completed" })).toBe(1);
});

test("runs of agents and workflows that were timed elsewhere are recorded as others are", async () => {
  const { core, collect } = startCore();
  core.agent.record({ agent: "support", status: "failed", duration: 2, errorType: "TypeError" });
  core.workflow.record({ workflow: "triage", status: "completed", duration: 3 });
  const collection = await collect();
  expect(collection.total("agent.executions", { agent: "support", status: "failed" })).toBe(1);
  expect(collection.total("gen_ai.invoke_agent.duration", { "error.type": "TypeError" })).toBe(2);
  expect(collection.total("workflow.executions", { workflow: "triage", status: "completed" })).toBe(1);
  expect(collection.total("gen_ai.invoke_workflow.duration")).toBe(3);
  expect(collection.total("agent.active")).toBe(0);
});
