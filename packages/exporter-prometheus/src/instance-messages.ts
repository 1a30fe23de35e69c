/** What processes of a cluster, or threads, say to each other about their metrics. */
export interface InstanceMessage {
  readonly meterbridge: "prometheus";
  /**
   * `who`: the one that serves asks who is there. `hello`: the answer to that, and said at the start. `ask`: for metrics. `tell`: the
   * metrics, in answer to a request. `bye`: the last metrics of an instance that ends.
   */
  readonly say: "who" | "hello" | "ask" | "tell" | "bye";
  /** Who says it: the worker's or thread's number. */
  readonly instance: string;
  readonly request?: number;
  /** Metrics, serialised: texts pass any channel. Undefined where collecting failed. */
  readonly metrics?: string | undefined;
}

/** How the one that serves reaches the others, and they reach it. */
export interface InstanceChannel {
  readonly serves: boolean;
  readonly instance: string;
  /** To all others where it serves, else to the one that does. Resolves when it is on its way; never rejects. */
  post(message: InstanceMessage): Promise<void>;
  hear(onMessage: (message: InstanceMessage) => void, onEnd: (instance: string) => void): void;
  close(): void;
}

export function isInstanceMessage(message: unknown): message is InstanceMessage {
  return (
    typeof message === "object" &&
    message !== null &&
    "meterbridge" in message &&
    message.meterbridge === "prometheus" &&
    "say" in message &&
    "instance" in message
  );
}
