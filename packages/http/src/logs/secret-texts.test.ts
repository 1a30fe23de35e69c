import { expect, test } from "vitest";
import { createSecretCutter } from "./secret-texts.ts";

const cut = createSecretCutter([]);

test.each([
  ["an OpenAI key", "key sk-proj-canary0123456789abcdef is wrong", "key [Redacted] is wrong"],
  ["an Anthropic key", "sk-ant-api03-canary", "[Redacted]"],
  ["a Stripe key", "with sk_live_4canary8", "with [Redacted]"],
  ["a GitHub token", "ghp_canary0123456789", "[Redacted]"],
  ["a Google key", "AIzaSycanary0123456", "[Redacted]"],
  ["an AWS key", "id AKIAIOSFODNN7CANARY", "id [Redacted]"],
  ["a JWT", "got eyJhbGciOiJIUzI1NiJ9.eyJjYW5hcnkiOjF9.c2ln-canary_ today", "got [Redacted] today"],
  ["a bearer token", "sent Bearer canary-0123456789.x/y= twice", "sent Bearer [Redacted] twice"],
  ["basic credentials", "Authorization: Basic Y2FuYXJ5OnB3", "Authorization: [Redacted]"],
  ["a cookie", "Cookie: session=canary; theme=dark", "Cookie: [Redacted]"],
  [
    "the password of a URL",
    "connect postgres://app:canary@db:5432/x failed",
    "connect postgres://[Redacted]@db:5432/x failed",
  ],
  [
    "the query of a URL",
    "GET https://api.example/v1?key=canary&a=b failed",
    "GET https://api.example/v1?[Redacted] failed",
  ],
  ["a parameter", "/login?user=a&password=canary&b=c", "/login?user=a&password=[Redacted]&b=c"],
  ["a field of JSON", '{"api_key":"canary \\" canary","a":1}', '{"api_key":"[Redacted]","a":1}'],
  ["a field of JSON in a text", '"{\\"client_secret\\":\\"canary\\"}"', '"{\\"client_secret\\":\\"[Redacted]\\"}"'],
  ["a header in JSON", '{"authorization":"Bearer canary","a":1}', '{"authorization":"[Redacted]","a":1}'],
  ["a field of YAML", "password: canary\nuser: a", "password: [Redacted]\nuser: a"],
  ["a private key", "-----BEGIN RSA PRIVATE KEY-----\ncanary\n-----END RSA PRIVATE KEY----- after", "[Redacted] after"],
])("%s is cut out of a text", (_what, text, clean) => {
  expect(cut(text)).toBe(clean);
  expect(cut(text)).not.toMatch(/canary/i);
});

test.each([
  "request completed",
  "task-management-system and risk-assessment",
  "Basic authentication failed, the bearer of this is unknown",
  "5 tokens used, 3 prompt_tokens cached",
  "Unexpected token '}' in JSON at position 4",
  "https://registry.example/@scope/name and http://127.0.0.1:4318/v1/logs",
  "/users/:id",
  "0189f7c2-1c5e-7b5e-9d3a-3f1c2b4a5d6e",
  "2026-11-20T12:00:00.000Z",
])("%s is no secret, and stays legible", (text) => {
  expect(cut(text)).toBe(text);
  expect(cut(text), "the second time, when it is known").toBe(text);
});

test("an expression of the application's own is cut out, too, however often it comes", () => {
  const own = createSecretCutter([/\b\d{4}-\d{4}\b/, /acct_\w+/g]);
  expect(own("1234-5678 and 8765-4321 of acct_canary")).toBe("[Redacted] and [Redacted] of [Redacted]");
  expect(own("1234-5678")).toBe("[Redacted]");
});

// Of a length at which an expression that takes the square of it would take minutes.
test.each([
  ["schemes", "a"],
  ["URLs", "://"],
  ["URLs without an end", "http://"],
  ["names", "password"],
  ["names and signs", "token="],
  ["quotes", 'secret:"\\'],
  ["backslashes", "\\"],
  ["keys", "sk-"],
  ["tokens", "eyJ"],
  ["dots of tokens", "eyJaaaaaaaa."],
  ["spaces", "bearer "],
  ["begun keys", "-----BEGIN PRIVATE KEY-----"],
])("a megabyte of nothing but %s is looked through in time", (_what, piece) => {
  const begun = process.cpuUsage();
  cut(`${piece.repeat(Math.ceil(1_000_000 / piece.length))}://password`);
  expect(process.cpuUsage(begun).user / 1e6).toBeLessThan(10);
});
