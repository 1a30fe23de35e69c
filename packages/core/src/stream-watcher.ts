/**
 * Is told how an answer that comes in pieces goes. It may be read in several branches (the AI SDK splits its streams). What stands in for the
 * stream's own methods holds its watcher, so that the watcher lives as long as anybody can still read.
 */
export interface StreamWatcher {
  /** Somebody begins to read. */
  branch(): BranchWatcher;
}

/** Is told of one reading. None of its methods throws. */
export interface BranchWatcher {
  /** A piece was read. */
  piece(value: unknown): void;
  /** All was read. */
  ended(end?: StreamEnd): void;
  /** Reading failed. */
  failed(error: unknown): void;
  /** The reader went away before the end. */
  left(): void;
}

/** What the stream itself tells at its end. */
export interface StreamEnd {
  /** It ended because the caller had given up: clients end a stream quietly then. */
  readonly isAborted?: boolean;
  /** It ended because of an error that it does not show. */
  readonly isFailed?: boolean;
  /** Asks for the whole result, where the pieces did not tell it; only to be called at the end. */
  readonly outcome?: (() => Promise<unknown>) | undefined;
}

/** Puts a method of the object's own in front of its class's. False when the object does not let us. */
export function putBefore(target: object, name: PropertyKey, value: unknown): boolean {
  const own = Reflect.getOwnPropertyDescriptor(target, name);
  return Reflect.defineProperty(target, name, {
    value,
    configurable: true,
    writable: true,
    enumerable: own?.enumerable ?? false,
  });
}

/** The client ended the stream because its request was aborted, by its controller. */
export function wasAborted(stream: object): boolean {
  const { controller } = stream as { controller?: { signal?: { aborted?: unknown } } };
  return controller?.signal?.aborted === true;
}

export function isFunction(value: unknown): value is (...parameters: unknown[]) => unknown {
  return typeof value === "function";
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && isFunction(value.then);
}
