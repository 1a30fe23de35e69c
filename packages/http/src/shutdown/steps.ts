/** Something to be done while the process ends. */
export type Step = () => unknown;

/**
 * Takes the steps one after the other, whatever becomes of each, within one deadline: each gets half of the time that is left, and
 * the last one all of it. Who fails or is too late is told by its place in the list, which is no secret; the error may hold one.
 */
export async function inTurn(
  name: string,
  steps: readonly Step[],
  timeoutMillis: number,
  failed: (what: string) => void,
): Promise<void> {
  const deadline = performance.now() + timeoutMillis;
  for (const [index, step] of steps.entries()) {
    const left = Math.max(0, deadline - performance.now());
    await take(`${name}[${index}]`, step, index === steps.length - 1 ? left : left / 2, failed);
  }
}

/** The same for all steps at once, each with all of the time. */
export async function atOnce(
  name: string,
  steps: readonly Step[],
  timeoutMillis: number,
  failed: (what: string) => void,
): Promise<void> {
  await Promise.all(steps.map((step, index) => take(`${name}[${index}]`, step, timeoutMillis, failed)));
}

/** One step, within its time. */
export async function take(
  name: string,
  step: Step,
  timeoutMillis: number,
  failed: (what: string) => void,
): Promise<void> {
  try {
    const isInTime = await within(timeoutMillis, attempt(step));
    if (!isInTime) failed(`${name} was not finished after ${Math.round(timeoutMillis)} ms: given up`);
  } catch (error) {
    failed(`${name} failed: ${error instanceof Error ? error.name : typeof error}`);
  }
}

/** Waits for the promise, but no longer, and tells whether that was enough. Rejects as it does. */
export async function within(milliseconds: number, promise: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => (timer = setTimeout(resolve, milliseconds, false)));
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What throws instead of rejecting rejects too. */
async function attempt(step: Step): Promise<void> {
  await step();
}
