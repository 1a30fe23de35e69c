import { fieldsOf } from "./usage-fields.ts";
import { isFunction, type StreamWatcher } from "./stream-watcher.ts";
import { isWebStream, watchWebStream } from "./watch-web-stream.ts";

/** What `streamText` and `streamObject` of the AI SDK (5 to 7) return. Asking a field of theirs may begin to read, so none is asked. */
export function isAiSdkStream(value: object): boolean {
  return "textStream" in value && "fullStream" in value;
}

/** Each of its streams is made when it is asked for; the other ways to read use one of them. */
export function watchAiSdkStream(result: object, watcher: StreamWatcher): void {
  const fields = fieldsOf(result);
  const outcome = async (): Promise<unknown> => {
    const [totalUsage, finishReason, response] = await Promise.all([
      fields["totalUsage"] ?? fields["usage"],
      fields["finishReason"],
      fields["response"],
    ]);
    return { totalUsage, finishReason, response };
  };
  const watched = (stream: unknown): unknown => {
    if (typeof stream === "object" && stream !== null && isWebStream(stream)) {
      watchWebStream(stream, watcher, () => ({ outcome }));
    }
    return stream;
  };
  let isWatched = false;
  for (const name of streams) {
    const getter = getterOf(result, name);
    if (getter === undefined) continue;
    const get = (): unknown => watched(Reflect.apply(getter, result, []));
    isWatched = Reflect.defineProperty(result, name, { get, configurable: true, enumerable: false }) || isWatched;
  }
  if (!isWatched) watcher.branch().ended();
}

// Not those that are made of another one of them: a reading would be seen twice.
const streams = ["fullStream", "stream", "textStream", "partialObjectStream", "partialOutputStream", "elementStream"];

function getterOf(value: object, name: string): (() => unknown) | undefined {
  for (let holder: object | null = value; holder !== null; holder = Reflect.getPrototypeOf(holder)) {
    const property = Reflect.getOwnPropertyDescriptor(holder, name);
    if (property !== undefined) return isFunction(property.get) ? property.get : undefined;
  }
  return undefined;
}
