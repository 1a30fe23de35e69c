import { diag } from "@opentelemetry/api";

/** Tells of calls that have no price: once for each model and reason, and of a hundred of them at most. */
export function createUnpricedNotices(): (provider: string, model: string, reason: string) => void {
  const told = new Set<string>();
  return (provider, model, reason) => {
    const [who, what] = [shown(provider), shown(model)];
    const key = `${who} ${what} ${reason}`;
    if (told.has(key) || told.size >= mostTold) return;
    told.add(key);
    warn(
      `[meterbridge] [genai] [prices] calls of ${what} by ${who} are unpriced: ${reason}. They cost null and are counted in llm.unpriced; ` +
        `give a price by genaiPrices({ overrides })`,
    );
    if (told.size === mostTold) warn(`[meterbridge] [genai] [prices] that were ${mostTold} models: no more are told`);
  };
}

const mostTold = 100;

function warn(message: string): void {
  try {
    diag.warn(message);
  } catch {
    // A logger that fails is no reason for the call to be counted as one that could not be priced.
  }
}

/** Names come from requests: short, and on one line. */
function shown(name: string): string {
  return JSON.stringify(name.length > 100 ? `${name.slice(0, 99).toWellFormed()}…` : name.toWellFormed());
}
