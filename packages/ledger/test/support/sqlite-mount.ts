import { execFileSync } from "node:child_process";
import { onTestFinished, type TestContext } from "vitest";
import { temporaryDirectory } from "./sqlite-directory.ts";

export interface SmallDisk {
  readonly directory: string;
  remount(mode: "ro" | "rw"): void;
}

/**
 * A disk of its own for the test, of that many kilobytes, which can be filled and made read-only. Where mounting is not
 * permitted the test is skipped loudly, and fails under `CI=true`, where a skip would hide a fault.
 */
export function mountSmallDisk(test: TestContext, kilobytes: number): SmallDisk {
  const directory = temporaryDirectory();
  try {
    system("mount", "-t", "tmpfs", "-o", `size=${kilobytes}k`, "tmpfs", directory);
  } catch (error) {
    const message = `no file system can be mounted here: ${error instanceof Error ? error.message.trim() : "?"}`;
    if (process.env["CI"] === "true") throw new Error(message, { cause: error });
    console.warn(`\n!!! SKIPPED ${test.task.name}: ${message}\n`);
    test.skip(message);
  }
  onTestFinished(() => system("umount", "--lazy", directory));
  return { directory, remount: (mode) => system("mount", "-o", `remount,${mode}`, directory) };
}

function system(command: string, ...parameters: readonly string[]): void {
  execFileSync(command, parameters, { stdio: "pipe" });
}
