import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { temporaryDirectory } from "./sqlite-directory.ts";

const ledger = path.join(import.meta.dirname, "../..");

/** A directory laid out as `npm install` leaves it: the ledger built, with what it needs, and these packages besides. */
export async function installLedger(...packages: readonly string[]): Promise<string> {
  const application = temporaryDirectory();
  const modules = path.join(application, "node_modules");
  const target = path.join(modules, "@meterbridge/ledger");
  mkdirSync(target, { recursive: true });
  const manifest = JSON.parse(readFileSync(path.join(ledger, "package.json"), "utf8"));
  // What `pnpm pack` does to it.
  writeFileSync(
    path.join(target, "package.json"),
    JSON.stringify({ ...manifest, exports: manifest.publishConfig.exports }),
  );
  // Not into the package's own dist, which other tests may be building.
  const rolldown = path.join(ledger, "../../node_modules/.bin/rolldown");
  const flags = ["-c", "../../rolldown.config.ts", "--dir", path.join(target, "dist")];
  await promisify(execFile)(rolldown, flags, { cwd: ledger });
  for (const name of ["@opentelemetry/api", ...packages]) {
    mkdirSync(path.dirname(path.join(modules, name)), { recursive: true });
    symlinkSync(realpathSync(path.join(ledger, "node_modules", name)), path.join(modules, name), "dir");
  }
  writeFileSync(path.join(application, "package.json"), JSON.stringify({ name: "shop", type: "module" }));
  writeFileSync(path.join(application, "app.js"), source);
  return application;
}

const source = `
import { randomUUID } from "node:crypto";
import { sqliteStore } from "@meterbridge/ledger";
const [, , file] = process.argv;
const store = sqliteStore({ file });
const now = Date.now();
const row = {
  tenant: "acme", eventId: randomUUID(), capturedAt: 0, occurredAt: now, kind: "llm_call", employee: null, project: null,
  process: null, execution: null, user: null, provider: "openai", model: "gpt-5", name: null, inputTokens: 1,
  outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0, costNanoUsd: 9000000000000001n,
  costStatus: "priced", priceBook: null, unpriced: 0, inferenceMicros: 1, queueMicros: null, isSuccess: true,
  errorType: null, usageSource: "provider", attempts: 1, corrects: null,
};
const rows = [row, { ...row, eventId: randomUUID() }, row];
const result = await store.append(rows);
const [total] = await store.totals({ tenants: ["acme"] });
const day = Math.floor(now / 86400000) * 86400000;
const differences = await store.recount({ from: day, to: day + 86400000 });
const found = await store.append([{ ...row, eventId: randomUUID(), inputTokens: "many" }]).catch((error) => error.message);
console.log(JSON.stringify({ result, cost: String(total.sums.costNanoUsd), differences, refused: found.includes("did not take it") }));
`;
