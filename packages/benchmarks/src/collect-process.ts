// Measures one peer's collection, or the memory of its series, in a process of its own. Prints one line of JSON.
import { makeLoop, type Circumstances } from "./record-loops.ts";
import { recordPeers } from "./record-peers.ts";
import { median } from "./report.ts";

/** What is measured over how many series of three attributes: the tenant tells them apart. */
export interface CollectCell {
  readonly measure: "collect" | "memory";
  readonly kind: "counter" | "histogram";
  readonly series: number;
}

const [name = "", given = ""] = process.argv.slice(2);
console.log(JSON.stringify((await measure(JSON.parse(given) as CollectCell)) ?? {}));
process.exit();

async function measure({ measure: what, kind, series }: CollectCell): Promise<{ value: number } | undefined> {
  const circumstances: Circumstances = { kind, attributes: 4, series, calls: "reused" };
  const recording = await recordPeers.find(({ peer }) => peer === name)?.open(circumstances);
  if (recording?.sum === undefined) return undefined;
  const sum = recording.sum;
  // Made first: the attribute objects belong to the application.
  const loop = makeLoop(recording.call, recording.instrument, circumstances);
  if (what === "memory") {
    const before = await settledHeap();
    loop(series);
    await sum();
    loop(series);
    const bytes = ((await settledHeap()) - before) / series;
    return { value: bytes };
  }
  const times: number[] = [];
  let expected = 0;
  for (let round = 0; round < 45; round++) {
    loop(series);
    expected += series;
    const start = performance.now();
    const total = await sum();
    const time = performance.now() - start;
    if (total !== expected) throw new Error(`${name} collected ${total} of ${expected}`);
    if (round >= 15) times.push(time);
  }
  return { value: median(times) };
}

/** Arrays outside the heap count: numbers kept there are memory all the same. */
async function settledHeap(): Promise<number> {
  for (let turn = 0; turn < 3; turn++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
