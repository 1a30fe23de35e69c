import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";

test("the example of docs/budgets.md runs as it stands and prints what the page says", () => {
  const page = readFileSync(path.join(import.meta.dirname, "../../../docs/budgets.md"), "utf8");
  const [, example = ""] = /```js\n([^]+?)```/.exec(page) ?? [];
  const [, printed = ""] = /```text\n([^]+?)```/.exec(page) ?? [];
  const output = execFileSync(process.execPath, ["--conditions=@meterbridge/source", "--input-type=module", "-"], {
    cwd: path.join(import.meta.dirname, ".."),
    input: example,
    encoding: "utf8",
  });
  expect(output).toBe(printed);
});
