import { llm, task, withAttribution } from "@meterbridge/core";
import { audit, openLedger, usageQueries } from "@meterbridge/ledger";
import { start } from "@meterbridge/node";

const ledger = openLedger({ directory: "./usage" });
const sdk = start({ ledger, exporters: ["none"] });

// The application: it records, and knows of no ledger.
await withAttribution({ tenant: "acme", employee: "ada" }, async () => {
  await task.measure("ticket", async () => {
    llm.record({ provider: "openai", model: "gpt-5", inputTokens: 812, outputTokens: 164, duration: 0.93 });
    llm.record({ provider: "openai", model: "our-own-model", inputTokens: 90, outputTokens: 20, duration: 0.2 });
  });
});

// The bill.
await sdk.forceFlush();
const queries = usageQueries(ledger.store);
const today = new Date().toISOString().slice(0, 10);
for (const { model, calls, tokens, costUsd, unpriced } of await queries.byModel({
  tenant: "acme",
  from: today,
  to: today,
})) {
  console.log(`${model}: ${calls} calls, ${tokens.total} tokens, USD ${costUsd}, ${unpriced} unpriced`);
}
const { clean, checked } = await audit(ledger.store, { from: today, to: today });
console.log(`audit: ${clean ? "clean" : "differences"}, ${checked.rows} rows`);
await sdk.shutdown();
