import * as v from "valibot";
import { expect, test } from "vitest";
import { checkOptions, wholeNumber } from "./check-options.ts";

const text = v.optional(v.pipe(v.string("must be a text"), v.nonEmpty("must not be empty")));
const schema = v.strictObject({ databaseUrl: text, name: text, days: wholeNumber(1, 7, 2) });
const check = (options: unknown): unknown => checkOptions("[part]", schema, options);

test("wrong options are told in words: which, what it must be, what was found", () => {
  expect(check({})).toEqual({ days: 2 });
  expect(() => check({ days: 8 })).toThrow(
    '[meterbridge] [part] option "days" must be a whole number from 1 to 7, found 8',
  );
  expect(() => check({ days: 8n })).toThrow("must be a whole number from 1 to 7, found 8");
  expect(() => check({ name: "" })).toThrow('[meterbridge] [part] option "name" must not be empty, found ""');
});

test("a misspelt option is told together with those there are", () => {
  expect(() => check({ day: 3 })).toThrow(
    '[meterbridge] [part] option "day" is unknown, the options are databaseUrl, name, days',
  );
  for (const wrong of [5, null, "x"])
    expect(() => check(wrong)).toThrow("[meterbridge] [part] options must be an object");
});

test("an option that has to be there is told by its name", () => {
  expect(() => checkOptions("[part]", v.strictObject({ directory: v.string() }), {})).toThrow(
    '[meterbridge] [part] option "directory" is missing',
  );
});

test("no address is shown, since it may hold a password", () => {
  const databaseUrl = new URL("postgresql://ada:s3cret@localhost/usage");
  expect(() => check({ databaseUrl })).toThrow(/^\[meterbridge\] \[part\] option "databaseUrl" must be a text$/);
  expect(() => check({ name: databaseUrl })).toThrow(/found a value of type object$/);
});
