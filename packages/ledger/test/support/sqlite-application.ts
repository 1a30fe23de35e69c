// Small applications that use the store in different ways and end in different ways.
import { sqliteStore } from "../../src/sqlite/sqlite-store.ts";
import { usageRows } from "./sqlite-rows.ts";

const [, , way, file = ""] = process.argv;
// What the thread waits for holds the end of the process as well.
const store = sqliteStore({ file, busyTimeoutMillis: way === "exit-locked" ? 2000 : 5000 });

if (way === "append") {
  process.stdout.write(JSON.stringify(await store.append(usageRows(5))));
} else if (way === "idle") {
  await store.open();
} else if (way === "close") {
  void store.append(usageRows(5));
  await store.close();
  await store.close();
} else if (way === "exit") {
  await store.open();
  void store.append(usageRows(500));
  exit();
} else if (way === "exit-unopened") {
  exit();
} else if (way === "exit-locked") {
  await store.open();
  const { DatabaseSync } = await import("node:sqlite");
  new DatabaseSync(file).exec("begin immediate");
  exit(200);
}

function exit(timeoutMillis = 5000): void {
  process.on("exit", () => {
    const start = performance.now();
    const result = store.appendSync?.(usageRows(500), timeoutMillis) ?? null;
    process.stdout.write(JSON.stringify({ result, milliseconds: performance.now() - start }));
  });
  process.exit();
}
