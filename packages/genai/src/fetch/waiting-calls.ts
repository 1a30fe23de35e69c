import type { Attribution } from "@meterbridge/core";
import type { ModelCall } from "./model-call.ts";
import type { ModelRequest } from "./model-request.ts";

/** A failed try whose client may try again. */
export interface WaitingTry {
  readonly request: ModelRequest;
  readonly call: Pick<ModelCall, "attribution" | "tries">;
  /** How long its successor is waited for. */
  readonly millis: number;
  /** Nobody came. */
  settle(): void;
}

/** Failed tries by what was asked. They wait for the next try of the same call, and no longer. */
export interface WaitingCalls<Try extends WaitingTry = WaitingTry> {
  /** The function ends the waiting. */
  wait(failed: Try): () => void;
  /** The failed try that this request, made on behalf of the same, tries again; it waits no more. */
  take(request: ModelRequest, attribution: Attribution): Try | undefined;
  /** Has all who wait end now. */
  settleAll(): void;
  size(): number;
}

export function createWaitingCalls<Try extends WaitingTry>(most = 1000): WaitingCalls<Try> {
  const byUrl = new Map<string, Waiting<Try>[]>();
  let size = 0;

  function remove(waiting: Waiting<Try>): void {
    const { url } = waiting.failed.request;
    const before = byUrl.get(url) ?? [];
    if (!before.includes(waiting)) return;
    const others = before.filter((each) => each !== waiting);
    if (others.length === 0) byUrl.delete(url);
    else byUrl.set(url, others);
    clearTimeout(waiting.timer);
    size -= 1;
  }

  return {
    wait(failed) {
      if (size >= most) {
        failed.settle();
        return () => {};
      }
      const waiting: Waiting<Try> = {
        failed,
        digest: digestOf(failed.request),
        timer: setTimeout(() => {
          remove(waiting);
          failed.settle();
        }, failed.millis),
      };
      // Waiting keeps no process alive.
      waiting.timer.unref();
      const { url } = failed.request;
      byUrl.set(url, [...(byUrl.get(url) ?? []), waiting]);
      size += 1;
      return () => remove(waiting);
    },
    take(request, attribution) {
      const candidates = byUrl.get(request.url);
      const sign = candidates === undefined ? undefined : request.retrySign;
      if (candidates === undefined || sign === undefined) return undefined;
      const digest = digestOf(request);
      const found = candidates.find(
        ({ failed, digest: other }) =>
          (sign.retry === undefined || sign.retry === failed.call.tries()) &&
          other === digest &&
          isSame(failed.call.attribution, attribution),
      );
      if (found === undefined) return undefined;
      remove(found);
      return found.failed;
    },
    settleAll() {
      for (const waiting of [...byUrl.values()].flat()) {
        remove(waiting);
        waiting.failed.settle();
      }
    },
    size: () => size,
  };
}

interface Waiting<Try> {
  readonly failed: Try;
  readonly digest: string;
  readonly timer: NodeJS.Timeout;
}

/** What the next try has in common with this one. A form is made anew for each, so only what is known of it is compared. */
function digestOf({ body, facts }: ModelRequest): string {
  if (body === undefined) return `${facts.operation} ${facts.model} ${facts.inputCharacters}`;
  // Loaded now: at the start it would take longer than all the rest of the capture.
  const { hash } = process.getBuiltinModule("node:crypto");
  return `${body.length} ${hash("sha256", body.length > longestHashed ? body.slice(0, longestHashed) : body)}`;
}

const longestHashed = 1024 * 1024;

/** One tenant's try is never another's. */
function isSame(one: Attribution, other: Attribution): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
