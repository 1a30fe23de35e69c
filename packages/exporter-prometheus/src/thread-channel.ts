import { type InstanceChannel, isInstanceMessage } from "./instance-messages.ts";

/** Between the main thread and the worker threads of one process. It keeps none of them alive. */
export function createThreadChannel(): InstanceChannel {
  const { BroadcastChannel, isMainThread, threadId } = process.getBuiltinModule("node:worker_threads");
  const channel = new BroadcastChannel("meterbridge.prometheus");
  channel.unref();
  return {
    serves: isMainThread,
    instance: String(threadId),
    post(message) {
      channel.postMessage(message);
      return Promise.resolve();
    },
    listen(onMessage) {
      channel.onmessage = (event: unknown): void => {
        const { data } = event as { data: unknown };
        if (isInstanceMessage(data)) onMessage(data);
      };
      channel.unref();
    },
    close: () => channel.close(),
  };
}
