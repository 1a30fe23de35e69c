// Opens the store and writes batches until it is killed, saying which were acknowledged. Its arguments are the URL and, if there
// are any, the file with the batches as JSON.
import { readFileSync } from "node:fs";
import type { LedgerRow } from "../../src/ledger-row.ts";
import { postgresqlStore } from "../../src/postgresql.ts";

const [url = "", file] = process.argv.slice(2);
const json = file === undefined ? "[]" : readFileSync(file, "utf8");
const batches = JSON.parse(json, (key, value: unknown) =>
  key === "costNanoUsd" ? BigInt(value as string) : value,
) as LedgerRow[][];

async function main(): Promise<void> {
  const store = postgresqlStore({ url });
  await store.open();
  let next = 0;
  await Promise.all(
    Array.from({ length: store.concurrency }, async () => {
      for (let index = next++; index < batches.length; index = next++) {
        await store.append(batches[index]!);
        process.stdout.write(`${index}\n`);
      }
    }),
  );
  await store.close();
}

void main();
