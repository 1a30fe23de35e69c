import { type InstanceChannel, isInstanceMessage } from "./instance-messages.ts";

/** Between the main thread and the worker threads of one process. It keeps none of them alive. */
export function createThreadChannel(): InstanceChannel {
  const { BroadcastChannel, threadId } = process.getBuiltinModule("node:worker_threads");
  const channel = new BroadcastChannel("meterbridge.prometheus");
  channel.unref();
  return {
    serves: isMainThread(),
    instance: String(threadId),
    post(message) {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- to a thread, not to a window
      channel.postMessage(message);
      return Promise.resolve();
    },
    hear(onMessage) {
      channel.addEventListener("message", (event: object) => {
        if ("data" in event && isInstanceMessage(event.data)) onMessage(event.data);
      });
      channel.unref();
    },
    close: () => channel.close(),
  };
}

export function isMainThread(): boolean {
  return process.getBuiltinModule("node:worker_threads").isMainThread;
}
