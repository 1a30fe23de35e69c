// Opens a hundred new databases at moments that other processes share, and prints what goes wrong.
import path from "node:path";
import { openDatabase } from "../../src/sqlite/sqlite-open.ts";

const [, , directory = "", start] = process.argv;
for (let round = 0; round < 100; round++) {
  while (Date.now() < Number(start) + round * 40);
  try {
    const file = path.join(directory, `${round}.db`);
    openDatabase({ file, busyTimeoutMillis: 5000, applicationDirectories: [] }).close();
  } catch (error) {
    process.stdout.write(`${round}: ${error instanceof Error ? error.message : "?"}\n`);
  }
}
