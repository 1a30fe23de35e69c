import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { expect, test } from "vitest";

const file = path.join(import.meta.dirname, "print-line.ts");

/** What a process prints on stderr, merged into stdout, when `expression` is printed and the process is ended at once. */
function printed(expression: string): string {
  const source = `import { printLine } from ${JSON.stringify(file)}; printLine(${expression}); process.exit();`;
  const shell = `"$0" --input-type=module --eval "$1" 2>&1`;
  return execFileSync("/bin/sh", ["-c", shell, process.execPath, source], { encoding: "utf8" });
}

test.each([
  [`"backend gone"`, "[meterbridge] backend gone\n"],
  [`"[meterbridge] [otlp] refused"`, "[meterbridge] [otlp] refused\n"],
  [`"%s is 100%", "load", { a: 1 }`, "[meterbridge] load is 100% { a: 1 }\n"],
  [`new Error("no stack, please")`, "[meterbridge] no stack, please\n"],
  [`new Error("first line\\nsecond line").stack`, "[meterbridge] Error: first line second line\n"],
  [`new Error("no connection to postgres://shop:hunter2@db")`, "[meterbridge] no connection to postgres://…@db\n"],
  [`"x".repeat(200000)`, `[meterbridge] ${"x".repeat(4000)}\n`],
])("%s is one line, though the process ends at once", (expression, line) => {
  expect(printed(expression)).toBe(line);
});

test("an application whose stderr nobody reads any more goes on", async () => {
  const source = `import { printLine } from ${JSON.stringify(file)};
    process.stdin.once("data", () => { printLine("told to nobody"); setTimeout(() => process.exit(7), 100); });
    console.log("ready");`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", source], { stdio: "pipe" });
  await once(child.stdout, "data");
  child.stderr.destroy();
  child.stdin.write("go");
  expect((await once(child, "exit"))[0]).toBe(7);
});
