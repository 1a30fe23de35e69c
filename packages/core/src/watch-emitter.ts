import { isFunction, type StreamWatcher } from "./stream-watcher.ts";

/** The stream helpers of OpenAI's and Anthropic's clients, which read on by themselves and tell by events. */
export interface ClientEmitter {
  on(event: string, listener: (event: unknown) => void): unknown;
  readonly aborted: unknown;
  readonly errored: unknown;
}

export function isClientEmitter(value: object): value is ClientEmitter {
  return (
    "on" in value &&
    isFunction(value.on) &&
    "done" in value &&
    isFunction(value.done) &&
    "ended" in value &&
    "controller" in value
  );
}

/** Listens for no `error`: with a listener for that, one the caller forgot to handle would be told to nobody. */
export function watchClientEmitter(emitter: ClientEmitter, watcher: StreamWatcher): void {
  const branch = watcher.branch();
  for (const event of ["chunk", "event", "streamEvent"]) emitter.on(event, (value) => branch.piece(value));
  emitter.on("end", () => {
    if (emitter.aborted === true) branch.left();
    else branch.ended({ isFailed: emitter.errored === true });
  });
}

/** A stream of Node's. */
export interface NodeStream {
  once(event: string, listener: () => void): unknown;
  readonly errored: unknown;
  readonly readableEnded: boolean;
}

export function isNodeStream(value: object): value is NodeStream {
  return "readableEnded" in value && "errored" in value && "once" in value && isFunction(value.once);
}

/** Its end alone: whoever listens for its data sets it flowing. */
export function watchNodeStream(stream: NodeStream, watcher: StreamWatcher): void {
  const branch = watcher.branch();
  stream.once("close", () => {
    if (stream.errored !== null && stream.errored !== undefined) branch.failed(stream.errored);
    else if (stream.readableEnded) branch.ended();
    else branch.left();
  });
}
