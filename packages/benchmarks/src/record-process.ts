// Measures one peer in one cell, in a process of its own, so that the engine has seen nothing else. Prints one line of JSON.
import { eventKinds, openEvent, type EventKind } from "./record-event.ts";
import { makeLoop, type Circumstances, type Loop } from "./record-loops.ts";
import { recordPeers } from "./record-peers.ts";
import { median, type Peer } from "./report.ts";

const [name = "", given = ""] = process.argv.slice(2);
console.log(
  JSON.stringify(
    (await (isEventKind(given) ? measureEvent(given) : measureCell(JSON.parse(given) as Circumstances))) ?? {},
  ),
);
process.exit();

interface Measured {
  /** Nanoseconds. */
  readonly value: number;
  /** Bytes that one record leaves on the heap. */
  readonly garbage?: number | undefined;
}

function isEventKind(text: string): text is EventKind {
  return (eventKinds as readonly string[]).includes(text);
}

async function measureEvent(kind: EventKind): Promise<Measured | undefined> {
  const recording = await openEvent(name as Peer, kind);
  if (recording === undefined) return undefined;
  const { nanoseconds, recorded } = timeLoop(recording.loop);
  const bytes = garbageOf(recording.loop);
  const { perCall, made } = (await recording.updates?.()) ?? { perCall: 0, made: 0 };
  check(made, perCall * (recorded + bytes.recorded));
  return { value: nanoseconds, garbage: bytes.perRecord };
}

async function measureCell(circumstances: Circumstances): Promise<Measured | undefined> {
  const recording = await recordPeers.find(({ peer }) => peer === name)?.open(circumstances);
  if (recording === undefined) return undefined;
  const loop = makeLoop(recording.call, recording.instrument, circumstances);
  const sendsItself = name === "hot-shots" || name === "dd-trace";
  const { nanoseconds, recorded } = sendsItself ? await timePaced(loop) : timeLoop(loop);
  const bytes = sendsItself ? undefined : garbageOf(loop);
  const expected = recorded + (bytes?.recorded ?? 0);
  const sum = await recording.sum?.();
  if (sum !== undefined) check(sum, expected);
  await recording.close?.();
  return { value: nanoseconds, garbage: bytes?.perRecord };
}

function check(sum: number, expected: number): void {
  if (Math.abs(sum - expected) > 1e-6 * expected) {
    throw new Error(`${name} recorded ${sum} of ${expected}: what was measured was not done`);
  }
}

/** The median of rounds of at least 25 ms, after a warm-up. */
function timeLoop(loop: Loop): { nanoseconds: number; recorded: number } {
  let recorded = 0;
  let batch = 1024;
  const warm = performance.now() + 200;
  while (performance.now() < warm) {
    loop(batch);
    recorded += batch;
  }
  for (;;) {
    const start = performance.now();
    loop(batch);
    recorded += batch;
    if (performance.now() - start >= 25) break;
    batch *= 2;
  }
  const rounds: number[] = [];
  for (let round = 0; round < 9; round++) {
    const start = performance.now();
    loop(batch);
    rounds.push(((performance.now() - start) / batch) * 1e6);
    recorded += batch;
  }
  return { nanoseconds: median(rounds), recorded };
}

/** What sends by itself needs turns of the event loop, else it only piles up: 100 records a turn, as a busy service has. */
async function timePaced(loop: Loop): Promise<{ nanoseconds: number; recorded: number }> {
  const rounds: number[] = [];
  for (let round = 0; round < 8; round++) {
    let busy = 0;
    for (let turn = 0; turn < 80; turn++) {
      const start = performance.now();
      loop(104);
      busy += performance.now() - start;
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (round > 0) rounds.push((busy / (80 * 104)) * 1e6);
  }
  return { nanoseconds: median(rounds), recorded: 8 * 80 * 104 };
}

/** What one record leaves on the heap for the collector, within a young generation that is large enough to hold it all. */
function garbageOf(loop: Loop): { perRecord: number; recorded: number } {
  const count = 10_000;
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  loop(count);
  return { perRecord: (process.memoryUsage().heapUsed - before) / count, recorded: count };
}
