import type { Cluster, Worker } from "node:cluster";
import { type InstanceChannel, isInstanceMessage } from "./instance-messages.ts";

/** Between the primary process of a `node:cluster` and its workers. */
export function createClusterChannel(): InstanceChannel {
  const cluster = loadCluster();
  return cluster.isPrimary ? primaryChannel(cluster) : workerChannel(String(cluster.worker?.id ?? process.pid));
}

export function isPrimaryProcess(): boolean {
  return loadCluster().isPrimary;
}

/** Loaded when it is needed. What its types call the default is the module itself. */
function loadCluster(): Cluster {
  return process.getBuiltinModule("node:cluster") as unknown as Cluster;
}

function primaryChannel(cluster: Cluster): InstanceChannel {
  const ends: (() => void)[] = [];
  return {
    serves: true,
    instance: "0",
    post(message) {
      // A worker that just died has no channel any more: it is told of as one that ended.
      for (const worker of Object.values(cluster.workers ?? {})) worker?.send(message, undefined, () => {});
      return Promise.resolve();
    },
    hear(onMessage, onEnd) {
      const hear = (_worker: Worker, message: unknown): void => {
        if (isInstanceMessage(message)) onMessage(message);
      };
      const bury = (worker: Worker): void => onEnd(String(worker.id));
      cluster.on("message", hear);
      // Not its exit: messages that it sent before may come after that.
      cluster.on("disconnect", bury);
      ends.push(() => void cluster.off("message", hear).off("disconnect", bury));
    },
    close: () => ends.splice(0).forEach((end) => end()),
  };
}

function workerChannel(instance: string): InstanceChannel {
  const ends: (() => void)[] = [];
  return {
    serves: false,
    instance,
    post: (message) =>
      new Promise((resolve) => {
        if (process.connected) process.send?.(message, undefined, undefined, () => resolve());
        else resolve();
      }),
    hear(onMessage) {
      const hear = (message: unknown): void => {
        if (isInstanceMessage(message)) onMessage(message);
      };
      process.on("message", hear);
      ends.push(() => void process.off("message", hear));
    },
    close: () => ends.splice(0).forEach((end) => end()),
  };
}
