// Measures one peer's scrapes in a process of its own. Prints one line of JSON.
import { makeLoop, type Circumstances } from "./record-loops.ts";
import { median } from "./report.ts";
import { openScraped } from "./scrape-peers.ts";

/** What is scraped, and what of it is measured. */
export interface ScrapeCell {
  readonly kind: "counter" | "histogram";
  readonly series: number;
  readonly format?: "text" | "openmetrics" | "protobuf";
  readonly gzip?: boolean;
  /** How many scrapes come at once. Default 1. */
  readonly scrapes?: number;
  readonly labelCacheBytes?: number;
  /**
   * Milliseconds until all answers are there, those that the processors worked for it (on all threads), the longest that the event loop
   * is held meanwhile, or the bytes kept per series.
   */
  readonly measure?: "time" | "cpu" | "longest-block" | "kept";
}

/** Rounds go on for so long, but eight at least. */
const longestMillis = 5000;

const [name = "", given = ""] = process.argv.slice(2);
console.log(JSON.stringify((await measure(JSON.parse(given) as ScrapeCell)) ?? {}));
process.exit();

async function measure(cell: ScrapeCell): Promise<{ value: number } | undefined> {
  const { kind, series, scrapes = 1, measure: what = "time" } = cell;
  const circumstances: Circumstances = { kind, attributes: 4, series, calls: "reused" };
  const peer = await openScraped(name, cell);
  if (peer === undefined) return undefined;
  const loop = makeLoop(peer.call, peer.instrument, circumstances);
  if (what === "kept") {
    if (peer.keptBytes === undefined) return undefined;
    loop(series);
    await peer.scrape();
    return { value: (await peer.keptBytes()) / series };
  }
  const values: number[] = [];
  const end = performance.now() + longestMillis;
  for (let round = 0; round < 200 && (round < 8 || performance.now() < end); round++) {
    loop(series);
    const watch = watchEventLoop();
    const used = process.cpuUsage();
    const start = performance.now();
    const bytes = await Promise.all(Array.from({ length: scrapes }, () => peer.scrape()));
    const time = performance.now() - start;
    const { user, system } = process.cpuUsage(used);
    const block = await watch.stop();
    const least = series * (cell.gzip === true ? 2 : 50);
    if (bytes.some((each) => each < least)) throw new Error(`${name} answered with ${bytes.join()} bytes`);
    values.push({ time, cpu: (user + system) / 1000, "longest-block": block }[what]);
  }
  // A service is scraped for days: the first half, in which the engine is still at work on the code, says little.
  return { value: median(values.slice(values.length >> 1)) };
}

/** How long nothing else could run, at the longest. */
function watchEventLoop(): { stop(): Promise<number> } {
  let longest = 0;
  let last = performance.now();
  let isRunning = true;
  const tick = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (isRunning) setImmediate(tick);
  };
  setImmediate(tick);
  return {
    async stop() {
      await new Promise<void>((resolve) => setImmediate(resolve));
      isRunning = false;
      tick();
      return longest;
    },
  };
}
