import { fieldsOf, isObject } from "./usage-fields.ts";
import type { StreamWatcher } from "./stream-watcher.ts";
import { isAiSdkStream, watchAiSdkStream } from "./watch-ai-sdk.ts";
import { isClientEmitter, isNodeStream, watchClientEmitter, watchNodeStream } from "./watch-emitter.ts";
import { isAsyncIterable, watchIterable } from "./watch-iterator.ts";
import { isWebStream, watchWebStream } from "./watch-web-stream.ts";

/**
 * Watches a stream, or the stream in a result that holds one, as it is read. The result stays the object it is: own methods are put before those
 * of its class. One that does not let us counts as read at once. False when there is no stream.
 */
export function watchStream(result: unknown, watcher: StreamWatcher): boolean {
  if (!isObject(result)) return false;
  if (isAiSdkStream(result)) watchAiSdkStream(result, watcher);
  else if (isClientEmitter(result)) watchClientEmitter(result, watcher);
  else if (isWebStream(result)) watchWebStream(result, watcher);
  else if (isNodeStream(result)) watchNodeStream(result, watcher);
  else if (isAsyncIterable(result)) watchIterable(result, watcher);
  else return watchStream(heldStream(result), watcher);
  return true;
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
