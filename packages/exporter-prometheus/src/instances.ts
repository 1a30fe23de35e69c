import type { DiagLogger } from "@opentelemetry/api";
import type { MetricProducer } from "@opentelemetry/sdk-metrics";
import { asScopeMetrics, createCombination, type InstanceSnapshot } from "./combine-instances.ts";
import { createClusterChannel, isPrimaryProcess } from "./cluster-channel.ts";
import type { InstanceChannel, InstanceMessage } from "./instance-messages.ts";
import { deserialise, instanceMetrics, serialise, staysInSum } from "./instance-metrics.ts";
import { createInstanceRoll } from "./instance-roll.ts";
import { prefix } from "./option-schemas.ts";
import type { AggregateOptions } from "./prometheus-options.ts";
import { createThreadChannel, isMainThread } from "./thread-channel.ts";

/** One process of a cluster, or one thread, and its part in what all of them show. */
export interface Instances {
  /** Whether this one answers scrapes. The others answer it alone. */
  readonly serves: boolean;
  /** What is collected from where this one serves: all of them together. */
  producerOf(own: MetricProducer): MetricProducer;
  /** Tells the last metrics, and leaves. Bounded in time by its caller. */
  leave(): Promise<void>;
}

/** Whether this process or thread is the one that answers scrapes. */
export function isServing({ across }: Pick<AggregateOptions, "across">): boolean {
  return across === "cluster" ? isPrimaryProcess() : isMainThread();
}

/** Joins the others that were started with the same option. */
export function joinInstances(options: Required<AggregateOptions>, diag: DiagLogger): Instances {
  const channel = options.across === "cluster" ? createClusterChannel() : createThreadChannel();
  return channel.serves ? serveInstances(channel, options, diag) : answerInstances(channel, diag);
}

function message(
  channel: InstanceChannel,
  say: InstanceMessage["say"],
  more: Partial<InstanceMessage> = {},
): InstanceMessage {
  return { meterbridge: "prometheus", say, instance: channel.instance, ...more };
}

function serveInstances(channel: InstanceChannel, options: Required<AggregateOptions>, diag: DiagLogger): Instances {
  const roll = createInstanceRoll(diag);
  const combination = createCombination(options);
  /** What instances that ended had counted, added up. */
  const past = createCombination(options);
  let retired: InstanceSnapshot = { instance: "ended", metrics: [] };
  let retiring = Promise.resolve();

  const retire = (instance: string): void => {
    const last = roll.end(instance);
    if (last === undefined) return;
    // One after the other: each adds to what the one before left.
    retiring = retiring.then(async () => {
      const metrics = last.filter(staysInSum);
      retired = { ...retired, metrics: await past.combine([retired, { instance, metrics }]) };
    });
  };

  channel.hear((heard) => {
    switch (heard.say) {
      case "hello":
        roll.add(heard.instance);
        break;
      case "tell":
        roll.tell(heard.instance, heard.request, read(heard, diag));
        break;
      case "bye":
        roll.tell(heard.instance, undefined, read(heard, diag));
        retire(heard.instance);
        break;
      default:
    }
  }, retire);
  void channel.post(message(channel, "who"));

  return {
    serves: true,
    producerOf: (own) => ({
      async collect(collectOptions) {
        const answers = roll.ask(options.deadlineMillis);
        void channel.post(message(channel, "ask", { request: answers.request }));
        const [{ resourceMetrics, errors }] = await Promise.all([own.collect(collectOptions), answers.done]);
        await retiring;
        const mine = { instance: channel.instance, metrics: instanceMetrics(resourceMetrics) };
        const metrics = await combination.combine([retired, mine, ...roll.snapshots()]);
        return { resourceMetrics: { ...resourceMetrics, scopeMetrics: asScopeMetrics(metrics) }, errors };
      },
    }),
    leave() {
      channel.close();
      return Promise.resolve();
    },
  };
}

function answerInstances(channel: InstanceChannel, diag: DiagLogger): Instances {
  let producer: MetricProducer | undefined;
  let isLeaving = false;

  const current = async (): Promise<string | undefined> => {
    try {
      return producer === undefined
        ? undefined
        : serialise(instanceMetrics((await producer.collect()).resourceMetrics));
    } catch (error) {
      diag.error(
        `${prefix} collecting the metrics for the process that serves them failed: ${(error as Error).message}`,
      );
      return undefined;
    }
  };

  channel.hear(
    (heard) => {
      if (heard.say === "who") void channel.post(message(channel, "hello"));
      if (heard.say !== "ask") return;
      void current().then(async (metrics) => {
        // What it counted goes with its farewell; after that it would be counted twice.
        if (isLeaving) return;
        await channel.post(
          message(channel, "tell", { ...(heard.request === undefined ? {} : { request: heard.request }), metrics }),
        );
      });
    },
    () => {},
  );
  void channel.post(message(channel, "hello"));

  return {
    serves: false,
    producerOf: (own) => (producer = own),
    async leave() {
      isLeaving = true;
      await channel.post(message(channel, "bye", { metrics: await current() }));
      channel.close();
    },
  };
}

function read({ instance, metrics }: InstanceMessage, diag: DiagLogger): ReturnType<typeof deserialise> | undefined {
  try {
    return metrics === undefined ? undefined : deserialise(metrics);
  } catch (error) {
    diag.error(`${prefix} the metrics of instance ${instance} cannot be read: ${(error as Error).message}`);
    return undefined;
  }
}
