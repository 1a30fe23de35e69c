import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";

// A table of tests that are no longer there is worse than none: it is believed.

const docs = path.join(import.meta.dirname, "../docs");
const document = readFileSync(path.join(docs, "security.md"), "utf8");
const rows = document.split("\n").filter((line) => /^\| (?!line|-)/.test(line));
const named = [...document.matchAll(/\[([^\]]+)\]\(([^)]+\.test\.ts)\)/g)].map((match) => ({
  name: match[1] ?? "",
  file: match[2] ?? "",
}));

test("every line of the checklist has its row, and every row a test", () => {
  const lines = rows.map((row) => row.split("|")[1]?.trim());
  expect(lines).toEqual(
    expect.arrayContaining(
      "bind authentication authorisation,tenant isolation,secrets attributes limits crashes routes logs forgery answers scrapes"
        .split(/[ ,](?!isolation)/)
        .concat("query parameters", "health", "files", "supply chain"),
    ),
  );
  expect(rows.filter((row) => !row.includes(".test.ts)"))).toEqual([]);
});

test("every test that docs/security.md names is there, under that name", () => {
  expect(named.length).toBeGreaterThan(40);
  const missing = named.filter(({ name, file }) => name !== "a test" && name !== "the test" && !isTest(file, name));
  expect(missing).toEqual([]);
});

test("every file that docs/security.md and docs/health.md point to is there", () => {
  for (const file of ["security.md", "health.md"]) {
    const text = readFileSync(path.join(docs, file), "utf8");
    const links = [...text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map((match) => match[1] ?? "");
    expect(links.filter((link) => !existsSync(path.join(docs, link)))).toEqual([]);
  }
});

/** Whether the file has a test of that name: the first text of a call, whatever is between. */
function isTest(file: string, name: string): boolean {
  const text = readFileSync(path.join(docs, file), "utf8");
  const quoted = ['"', "'", "`"].map((quote) => `${quote}${name}${quote},`);
  return quoted.some((each) => text.includes(each)) && /\b(?:test|it)\b/.test(text);
}
