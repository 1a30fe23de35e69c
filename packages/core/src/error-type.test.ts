import { expect, test } from "vitest";
import { errorTypeOf } from "./error-type.ts";

class RateLimitError extends Error {}

test.each<[name: string, error: unknown, type: string]>([
  ["an error class", new RateLimitError("x"), "RateLimitError"],
  ["a built-in class", new TypeError("x"), "TypeError"],
  ["a plain error with a code", Object.assign(new Error("x"), { code: "ECONNREFUSED" }), "ECONNREFUSED"],
  ["a plain error with a name", Object.assign(new Error("x"), { name: "ValidationError" }), "ValidationError"],
  ["a plain error", new Error("x"), "Error"],
  ["a timeout", new DOMException("x", "TimeoutError"), "TimeoutError"],
  ["a plain object", { code: "E_X" }, "E_X"],
  ["a text, which may be a message", "no such order 4711", "string"],
  ["nothing", undefined, "unknown"],
  ["null", null, "unknown"],
  ["a number", 5, "unknown"],
  ["an object without prototype", Object.create(null), "Error"],
  ["an object whose class has no text for a name", { constructor: { name: 5 } }, "Error"],
  ["a code that is a document", { code: "x".repeat(100_000) }, "Error"],
])("%s has a type of low cardinality, and its message is not it", (_name, error, type) => {
  expect(errorTypeOf(error)).toBe(type);
});
