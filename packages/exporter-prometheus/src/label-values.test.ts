import { describe, expect, it } from "vitest";
import { cutText, escapeQuoted, labelValue } from "./label-values.ts";

const cyclic: Record<string, unknown> = {};
cyclic["self"] = cyclic;

describe("labelValue", () => {
  it.each([
    ["text", "text"],
    ["", ""],
    [undefined, ""],
    [null, ""],
    [0, "0"],
    [-0, "0"],
    [Number.NaN, "NaN"],
    [1e21, "1e+21"],
    [true, "true"],
    [2n ** 70n, "1180591620717411303424"],
    [Symbol("secret"), "Symbol(secret)"],
    [() => "code", "[function]"],
    [Date, "[function]"],
    [new Date(0), "1970-01-01T00:00:00.000Z"],
    [new Date(Number.NaN), "Invalid Date"],
    [["a", 1, null], '["a",1,null]'],
    [{ a: { b: 1 } }, '{"a":{"b":1}}'],
    [cyclic, "[object]"],
    [{ big: 1n }, "[object]"],
    [{ toJSON: () => undefined }, "[object]"],
    [Object.create(null), "{}"],
    ["\ud800 lone", "\ufffd lone"],
  ])("makes text of the value in case %# without throwing", (value, text) => {
    expect(labelValue(value)).toBe(text);
  });

  it("survives objects whose every trap throws", () => {
    const fail = (): never => {
      throw new Error("trap");
    };
    const hostile: object = new Proxy({}, { get: fail, ownKeys: fail, getPrototypeOf: fail, has: fail });
    expect(labelValue(hostile)).toBe("[object]");
    expect(labelValue({ toString: fail, toJSON: fail })).toBe("[object]");
    expect(
      labelValue({
        get x() {
          return fail();
        },
      }),
    ).toBe("[object]");
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(labelValue(proxy)).toBe("[object]");
  });

  it("cuts a value of a megabyte, so that 600 of them do not break the scrape", () => {
    expect(labelValue("x".repeat(1_000_000))).toBe("x".repeat(1024));
  });
});

describe("cutText", () => {
  it("does not leave half an emoji at the cut", () => {
    expect(cutText("ab😀", 3)).toBe("ab");
    expect(cutText("ab😀", 4)).toBe("ab😀");
  });
});

describe("escapeQuoted", () => {
  it("escapes what would end the quotes or the line, and nothing else", () => {
    expect(escapeQuoted('a"b\\c\nd\re\0f\u2028😀')).toBe('a\\"b\\\\c\\nd\re\0f\u2028😀');
  });
});
