import { fieldsOf, isObject } from "./usage-fields.ts";
import type { StreamWatcher } from "./stream-watcher.ts";
import { isAiSdkStream, watchAiSdkStream } from "./watch-ai-sdk.ts";
import { isClientEmitter, isNodeStream, watchClientEmitter, watchNodeStream } from "./watch-emitter.ts";
import { isAsyncIterable, watchIterable } from "./watch-iterator.ts";
import { isWebStream, watchWebStream } from "./watch-web-stream.ts";

/** The stream that the result is, or holds. */
export function streamIn(result: unknown): object | undefined {
  if (!isObject(result)) return undefined;
  const isStream = [isAiSdkStream, isClientEmitter, isWebStream, isNodeStream, isAsyncIterable].some((is) =>
    is(result),
  );
  return isStream ? result : streamIn(heldStream(result));
}

/**
 * Watches the stream as it is read. It stays the object it is: own methods are put before those of its class. One that does not let us counts
 * as read at once.
 */
export function watchStream(stream: object, watcher: StreamWatcher): void {
  if (isAiSdkStream(stream)) watchAiSdkStream(stream, watcher);
  else if (isClientEmitter(stream)) watchClientEmitter(stream, watcher);
  else if (isWebStream(stream)) watchWebStream(stream, watcher);
  else if (isNodeStream(stream)) watchNodeStream(stream, watcher);
  else watchIterable(stream, watcher);
}

/** Bedrock's answers hold their stream, and so do those of OpenAI's and Anthropic's clients that are asked for with the response. */
function heldStream(result: object): unknown {
  if ("$metadata" in result) return fieldsOf(result)["stream"];
  return isWithResponse(result) ? result.data : undefined;
}

/** What `.withResponse()` gives. */
export function isWithResponse(result: object): result is { readonly data: unknown } {
  return "data" in result && "response" in result && "request_id" in result;
}
