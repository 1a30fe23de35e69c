import { describe, expect, it } from "vitest";
import { createLabelWriter } from "./labels.ts";

const write = (attributes: unknown): string => createLabelWriter(new Set(["le"]))(attributes);

describe("createLabelWriter", () => {
  it("sorts labels, so that two orders of the same attributes are one series", () => {
    expect(write({ b: 1, a: "x" })).toBe('a="x",b="1"');
    expect(write({ a: "x", b: 1 })).toBe('a="x",b="1"');
  });

  it("joins the values of keys that give one label, in the order of the keys, whatever order they came in", () => {
    expect(write({ a_b: "second", "a.b": "first", "a-b": "zeroth" })).toBe('a_b="zeroth;first;second"');
  });

  it("gives a reserved label another name, and joins it with an attribute that has that name already", () => {
    expect(write({ le: 1, exported_le: 2 })).toBe('exported_le="2;1"');
  });

  it("leaves empty values out, because to Prometheus an empty label is none", () => {
    expect(write({ a: "", b: "x", c: null, d: undefined })).toBe('b="x"');
    expect(write({ a: "" })).toBe("");
  });

  it.each([[undefined], [null], ["text"], [1], [Symbol("s")], [() => {}], [[]]])(
    "takes %s in place of attributes for no attributes",
    (attributes) => {
      expect(write(attributes)).toBe("");
    },
  );

  it("survives a getter that throws and a proxy that refuses its keys", () => {
    const hostile = {
      ok: 1,
      get bad(): string {
        throw new Error("getter");
      },
    };
    expect(write(hostile)).toBe('bad="[unreadable]",ok="1"');
    const closed: object = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error("keys");
        },
      },
    );
    expect(write(closed)).toBe("");
  });

  it("tells series with other keys apart after it has remembered a key list", () => {
    const writer = createLabelWriter(new Set());
    expect([{ a: 1 }, { b: 1 }, { a: 1, b: 2 }, { a: 3 }, {}].map((attributes) => writer(attributes))).toEqual([
      'a="1"',
      'b="1"',
      'a="1",b="2"',
      'a="3"',
      "",
    ]);
  });

  it("keeps a joined label within 1,024 characters", () => {
    const attributes = Object.fromEntries(["a.b", "a_b", "a-b"].map((key) => [key, "x".repeat(1000)]));
    expect(write(attributes)).toHaveLength('a_b=""'.length + 1024);
  });

  it("takes __proto__ and constructor as ordinary keys", () => {
    expect(write(JSON.parse('{"__proto__":"p","constructor":"c"}'))).toBe('_proto_="p",constructor="c"');
  });
});
