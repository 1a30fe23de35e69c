import { expect, test } from "vitest";
import { defaultSettings, mergeSettings, type CoreOptions } from "./configuration.ts";

test.each<[option: string, value: unknown, found: string]>([
  ["namespace", "1abc", '"1abc"'],
  ["namespace", "voice agent", '"voice agent"'],
  ["namespace", "shop.", '"shop."'],
  ["namespace", 5, "5"],
  ["attributionLabels", "tenant", '"tenant"'],
  ["attributionLabels", ["tenant", "user"], '["tenant","user"]'],
  ["attributionBaggage", "yes", '"yes"'],
  ["seriesLimit", 1, "1"],
  ["seriesLimit", 2.5, "2.5"],
  ["seriesLimit", Infinity, "null"],
  ["seriesLimit", "2000", '"2000"'],
  ["seriesLimits", { "llm.cost": 0 }, '{"llm.cost":0}'],
  ["seriesLimits", null, "null"],
  ["staleAfterSeconds", 0, "0"],
  ["staleAfterSeconds", NaN, "null"],
  ["genaiSemconv", "v1.42", '"v1.42"'],
  ["priceBook", { name: "book" }, '{"name":"book"}'],
  ["priceBook", { name: "book", price: 5 }, '{"name":"book","price":5}'],
  ["priceBook", 5n, "bigint"],
  ["priceBook", Symbol("book"), "symbol"],
])("a wrong option throws with its name, what it must be and what was found: %s", (option, value, found) => {
  const merge = (): unknown => mergeSettings(defaultSettings, { [option]: value });
  expect(merge).toThrow(`[meterbridge] [core] option "${option}" must be `);
  expect(merge).toThrow(`found ${found}`);
});

test.each(["seriesLimt", "constructor", "toString", "__proto__"])(
  'an unknown option such as "%s" throws, else a typing mistake is never seen',
  (option) => {
    const options = JSON.parse(`{"${option}": 5}`) as CoreOptions;
    expect(() => mergeSettings(defaultSettings, options)).toThrow(
      `[meterbridge] [core] option "${option}" is unknown; known are namespace, attributionLabels`,
    );
  },
);

test.each([null, undefined, 5, "namespace=shop"])(
  "options that are no object (%s) throw with what was found",
  (options) => {
    expect(() => mergeSettings(defaultSettings, options as never)).toThrow(
      "[meterbridge] [core] configure() needs an object",
    );
  },
);

test("an option that is undefined leaves what was set before, and the others are put over it", () => {
  const first = mergeSettings(defaultSettings, { namespace: "shop", seriesLimit: 100 });
  const second = mergeSettings(first, { namespace: undefined, seriesLimit: 50 } as unknown as CoreOptions);
  expect(second).toEqual({ ...defaultSettings, namespace: "shop", seriesLimit: 50 });
});
