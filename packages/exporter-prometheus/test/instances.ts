import cluster, { type Worker as ClusterWorker } from "node:cluster";
import { once } from "node:events";
import path from "node:path";
import { Worker as ThreadWorker } from "node:worker_threads";
import type { InstanceAnswer, InstanceCommand } from "./instance-program.ts";

/** A process or thread that runs `instance-program.ts`. */
export interface Instance {
  /** Has it do something, and waits until it is done. */
  tell(what: InstanceCommand["do"], value?: number): Promise<string | undefined>;
  /** Has it do something that it will not answer to in time. */
  order(what: InstanceCommand["do"], value?: number): void;
  /** Ends it without warning, and waits until it is gone. */
  kill(): Promise<void>;
}

const program = path.join(import.meta.dirname, "instance-program.ts");
const execArgv = ["--conditions=@meterbridge/source"];

export async function startProcess(): Promise<Instance> {
  cluster.setupPrimary({ exec: program, execArgv, args: [], silent: false });
  const worker: ClusterWorker = cluster.fork();
  const instance = instanceOf(
    (command) => void worker.send(command),
    (listener) => void worker.on("message", listener),
  );
  await instance.ready;
  return {
    ...instance,
    async kill() {
      if (worker.isDead()) return;
      const gone = once(worker, "disconnect");
      worker.process.kill("SIGKILL");
      await gone;
    },
  };
}

export async function startThread(): Promise<Instance> {
  const worker = new ThreadWorker(program, { execArgv });
  const instance = instanceOf(
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- to a thread, not to a window
    (command) => worker.postMessage(command),
    (listener) => void worker.on("message", listener),
  );
  await instance.ready;
  return { ...instance, kill: async () => void (await worker.terminate()) };
}

function instanceOf(
  send: (command: InstanceCommand) => void,
  listen: (listener: (answer: unknown) => void) => void,
): Omit<Instance, "kill"> & { readonly ready: Promise<unknown> } {
  const waiting = new Map<number, (text: string | undefined) => void>();
  let next = 0;
  const answerTo = (id: number): Promise<string | undefined> => new Promise((resolve) => waiting.set(id, resolve));
  listen((answer) => {
    const { answers, text } = answer as InstanceAnswer;
    waiting.get(answers)?.(text);
  });
  return {
    ready: answerTo(0),
    async tell(what, value = 0) {
      const id = ++next;
      const answer = answerTo(id);
      send({ id, do: what, value });
      return await answer;
    },
    order: (what, value = 0) => send({ id: ++next, do: what, value }),
  };
}
