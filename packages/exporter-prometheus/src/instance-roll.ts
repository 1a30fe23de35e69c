import type { DiagLogger } from "@opentelemetry/api";
import type { InstanceSnapshot } from "./combine-instances.ts";
import type { InstanceMetric } from "./instance-metrics.ts";
import { prefix } from "./option-schemas.ts";

/** Who is there, what each told last, and who is waited for. */
export interface InstanceRoll {
  add(instance: string): void;
  /** Takes over what an instance told; undefined where it could not collect. */
  tell(instance: string, request: number | undefined, metrics: readonly InstanceMetric[] | undefined): void;
  /** Strikes an instance off, and gives what it told last; undefined where it is not there. */
  end(instance: string): readonly InstanceMetric[] | undefined;
  /** Begins a round: `done` resolves when all that are waited for have told, or when the time is over. */
  ask(millis: number): { readonly request: number; readonly done: Promise<void> };
  snapshots(): InstanceSnapshot[];
}

interface Entry {
  metrics: readonly InstanceMetric[];
  /** How many rounds it has let pass since it last told. */
  missed: number;
}

/** After so many, an instance hangs or is gone: it is not waited for until it is heard again. */
const mostMissed = 3;

export function createInstanceRoll(diag: DiagLogger): InstanceRoll {
  const entries = new Map<string, Entry>();
  const rounds = new Map<number, { readonly awaited: Set<string>; readonly finish: () => void }>();
  let request = 0;

  const heard = (instance: string): Entry => {
    const entry = entries.get(instance) ?? { metrics: [], missed: 0 };
    entries.set(instance, entry);
    if (entry.missed > 0) diag.warn(`${prefix} instance ${instance} answers again`);
    entry.missed = 0;
    return entry;
  };
  const settle = (round: number, instance: string): void => {
    const waiting = rounds.get(round);
    if (waiting?.awaited.delete(instance) === true && waiting.awaited.size === 0) waiting.finish();
  };

  return {
    add: (instance) => void heard(instance),
    tell(instance, round, metrics) {
      const entry = heard(instance);
      entry.metrics = metrics ?? entry.metrics;
      if (round !== undefined) settle(round, instance);
    },
    end(instance) {
      const entry = entries.get(instance);
      entries.delete(instance);
      for (const round of rounds.keys()) settle(round, instance);
      return entry?.metrics;
    },
    ask(millis) {
      const round = ++request;
      const awaited = new Set(
        [...entries].filter(([, { missed }]) => missed < mostMissed).map(([instance]) => instance),
      );
      const done = new Promise<void>((resolve) => {
        const finish = (): void => {
          clearTimeout(deadline);
          rounds.delete(round);
          resolve();
        };
        const deadline = setTimeout(() => {
          for (const instance of awaited) miss(entries.get(instance), instance, millis, diag);
          finish();
        }, millis);
        deadline.unref();
        rounds.set(round, { awaited, finish });
        if (awaited.size === 0) finish();
      });
      return { request: round, done };
    },
    snapshots: () => [...entries].map(([instance, { metrics }]) => ({ instance, metrics })),
  };
}

function miss(entry: Entry | undefined, instance: string, millis: number, diag: DiagLogger): void {
  if (entry === undefined) return;
  entry.missed++;
  if (entry.missed > 1) return;
  diag.warn(
    `${prefix} instance ${instance} did not tell its metrics within ${millis} ms: what it told last is shown until it does`,
  );
}
