import { inspect } from "node:util";
import { captureFetch } from "../../src/fetch/capture-fetch.ts";
import { captureState } from "../../src/fetch/capture-state.ts";
import { onTestFinished, vi } from "vitest";
import { dial } from "./dial.ts";
import type { Provider } from "./provider.ts";

/** A fetch that leads to the provider. */
export interface Dialled {
  /** Resolves when the next answer has begun, and everybody who waited for it has seen so. */
  answered(): Promise<void>;
}

/** Leads the global fetch to the provider until the test ends. */
export function dialFetch(provider: Provider): Dialled {
  const under = globalThis.fetch;
  const dialled = dial(provider.url, under);
  let waiting: (() => void)[] = [];
  globalThis.fetch = async (input, init) => {
    const answer = await dialled(input, init);
    const told = waiting;
    waiting = [];
    setImmediate(() => {
      for (const each of told) each();
    });
    return answer;
  };
  onTestFinished(() => {
    globalThis.fetch = under;
  });
  return { answered: () => new Promise((resolve) => void waiting.push(resolve)) };
}

/** Captures the global fetch until the test ends. */
export function startCapture(options?: Parameters<typeof captureFetch>[0]): void {
  const end = captureFetch(options);
  onTestFinished(() => end());
}

/** What a call came to: what it gave, or what it threw, as text that tells all of it. */
export async function outcomeOf(call: () => Promise<unknown>): Promise<string> {
  try {
    return tell(await call());
  } catch (error) {
    return `threw ${tell(error)}`;
  }
}

/** Ends the calls that failed and whose client might have tried again, which is waited for some seconds. */
export function nobodyTriesAgain(): void {
  captureState().waiting.settleAll();
}

/** Waits until so many usage events have come, and then whether more of them do. */
export async function settled(events: readonly unknown[], count: number): Promise<void> {
  await vi.waitFor(() => expectAtLeast(events.length, count), { timeout: 20_000, interval: 5 });
  for (let turn = 0; turn < 20; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function expectAtLeast(length: number, count: number): void {
  if (length < count) throw new Error(`${length} usage events of ${count} have come`);
}

/** Stacks and what the clients make up anew each time are left out. */
function tell(value: unknown): string {
  return inspect(value, { depth: 30, maxStringLength: null, maxArrayLength: null, sorted: true, showHidden: false })
    .replaceAll(/\n +at .*/g, "")
    .replaceAll(/socket: \{[^}]*\}/g, "socket")
    .replaceAll(/id: '[A-Za-z0-9]{16}'/g, "id")
    .replaceAll(/toolCallId: '[^']*'/g, "toolCallId");
}
