import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { knownInstrumentations, packageOfInstrumentation } from "./instrumentations-table.ts";

test("the documentation's table of official instrumentations is the one that the code obeys", () => {
  const documentation = readFileSync(path.join(import.meta.dirname, "../../../docs/instrumentations.md"), "utf8");
  const rows = documentation.split("\n").filter((line) => line.includes("| `@opentelemetry/instrumentation-"));
  const expected = knownInstrumentations.map(({ name, libraries }) => {
    const condition = libraries?.map((library) => `\`${library}\``).join(" or ") || "Node.js itself";
    return `| \`${name}\` | \`${packageOfInstrumentation(name)}\` | ${libraries === null ? "– (name it)" : condition} |`;
  });
  expect(rows.map((row) => row.replaceAll(/ +/g, " "))).toEqual(expected);
});
