// Writes batches into a database until it is stopped, or for so long, and prints how many rows have been acknowledged.
import { sqliteStore } from "../../src/sqlite/sqlite-store.ts";
import { usageRows } from "./sqlite-rows.ts";

const [, , file = "", seconds = "3600"] = process.argv;
const store = sqliteStore({ file });
const end = Date.now() + Number(seconds) * 1000;
while (Date.now() < end) {
  const rows = usageRows(50);
  await store.append(rows);
  // Straight to the pipe: what has been printed has been acknowledged, whatever happens next.
  process.stdout.write(rows.map(({ tenant, eventId }) => `${tenant} ${eventId}\n`).join(""));
}
