// An ESM application: records, then prints what a scrape of itself says.
import { llm } from "@meterbridge/core";

llm.record({ provider: "openai", model: "gpt-5" });
setTimeout(() => void printScrape(), 50);

async function printScrape() {
  const response = await fetch(`http://127.0.0.1:${process.argv[2]}/metrics`);
  console.log(await response.text());
}
