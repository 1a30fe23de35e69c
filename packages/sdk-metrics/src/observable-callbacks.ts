import { diag, type BatchObservableCallback, type Observable, type ObservableCallback } from "@opentelemetry/api";
import type { ObservableInstrument } from "./observables.ts";
import type { Observation, ObservedSeries } from "./observed-series.ts";
import type { RegisteredReader } from "./registered-reader.ts";

/** The callbacks of one meter. */
export interface ObservableCallbacks {
  add(callback: ObservableCallback, instrument: ObservableInstrument): void;
  remove(callback: ObservableCallback, instrument: ObservableInstrument): void;
  addBatch(callback: BatchObservableCallback, instruments: readonly ObservableInstrument[]): void;
  removeBatch(callback: BatchObservableCallback, instruments: readonly ObservableInstrument[]): void;
  /**
   * Calls them all at once, and gathers what those observe that end in time. Reasons of failure go to `errors`. Never
   * rejects.
   */
  observe(run: ObservationRun): Promise<void>;
}

/** One collection of one reader. */
export interface ObservationRun {
  readonly reader: RegisteredReader;
  /** How long each callback may take. */
  readonly timeoutMillis: number;
  readonly observations: Map<ObservedSeries | undefined, Observation[]>;
  readonly errors: unknown[];
}

interface Registration {
  readonly callback: ObservableCallback | BatchObservableCallback;
  readonly instruments: readonly ObservableInstrument[];
  readonly isBatch: boolean;
  /** Whether a call of it took longer than it may, and has not ended yet: it is not called again meanwhile. */
  hangs: boolean;
  told: boolean;
}

export function createObservableCallbacks(): ObservableCallbacks {
  const registrations: Registration[] = [];

  function find(
    callback: Registration["callback"],
    instruments: readonly ObservableInstrument[],
    isBatch: boolean,
  ): number {
    return registrations.findIndex(
      (each) =>
        each.callback === callback &&
        each.isBatch === isBatch &&
        each.instruments.length === instruments.length &&
        instruments.every((instrument) => each.instruments.includes(instrument)),
    );
  }

  function add(
    callback: Registration["callback"],
    instruments: readonly ObservableInstrument[],
    isBatch: boolean,
  ): void {
    if (find(callback, instruments, isBatch) >= 0) return;
    registrations.push({ callback, instruments, isBatch, hangs: false, told: false });
  }

  function remove(
    callback: Registration["callback"],
    instruments: readonly ObservableInstrument[],
    isBatch: boolean,
  ): void {
    const at = find(callback, instruments, isBatch);
    if (at >= 0) registrations.splice(at, 1);
  }

  return {
    add: (callback, instrument) => add(callback, [instrument], false),
    remove: (callback, instrument) => remove(callback, [instrument], false),
    addBatch: (callback, instruments) => add(callback, [...new Set(instruments)], true),
    removeBatch: (callback, instruments) => remove(callback, [...new Set(instruments)], true),
    async observe(run) {
      const due = registrations.filter(({ hangs }) => !hangs);
      // Applied in the order of registration, whoever ends first.
      const buffers = await Promise.all(due.map((registration) => call(registration, run)));
      for (const buffer of buffers) {
        for (const [instrument, observations] of buffer) deliver(instrument, observations, run);
      }
    },
  };
}

type Buffer = Map<ObservableInstrument, Observation[]>;

/** What the callback observed; nothing when it failed, or took too long. */
async function call(registration: Registration, run: ObservationRun): Promise<Buffer> {
  const { callback, instruments, isBatch } = registration;
  const buffer: Buffer = new Map();
  let isOpen = true;
  const observe = (instrument: ObservableInstrument, value: number, attributes?: object): void => {
    // What comes late belongs to no collection.
    if (!isOpen || !instruments.includes(instrument)) return;
    const observation = instrument.observe(run.reader, value, attributes);
    if (observation === undefined) return;
    const list = buffer.get(instrument);
    if (list === undefined) buffer.set(instrument, [observation]);
    else list.push(observation);
  };
  try {
    const result = isBatch
      ? (callback as BatchObservableCallback)({
          observe: (metric: Observable, value, attributes) =>
            observe(metric as ObservableInstrument, value, attributes),
        })
      : (callback as ObservableCallback)({
          observe: (value, attributes) => observe(instruments[0]!, value, attributes),
        });
    if (isPending(result) && !(await endsInTime(result, run.timeoutMillis))) {
      giveUp(registration, result, run);
      return new Map();
    }
    registration.told = false;
    return buffer;
  } catch (error) {
    run.errors.push(error);
    return new Map();
  } finally {
    isOpen = false;
  }
}

function giveUp(registration: Registration, result: PromiseLike<unknown>, run: ObservationRun): void {
  registration.hangs = true;
  const ended = (): void => {
    registration.hangs = false;
  };
  result.then(ended, ended);
  const names = registration.instruments.map(({ name }) => `"${name}"`).join(", ");
  const message =
    `[meterbridge] [sdk-metrics] a callback of ${names} did not end within ${run.timeoutMillis} ms: ` +
    `its instruments are not collected until it does`;
  run.errors.push(new Error(message));
  if (!registration.told) diag.warn(message);
  registration.told = true;
}

function deliver(instrument: ObservableInstrument, observations: readonly Observation[], run: ObservationRun): void {
  for (const series of instrument.seriesOf(run.reader)) {
    const list = run.observations.get(series);
    if (list === undefined) run.observations.set(series, [...observations]);
    else for (const observation of observations) list.push(observation);
  }
}

function isPending(result: unknown): result is PromiseLike<unknown> {
  return typeof result === "object" && result !== null && "then" in result && typeof result.then === "function";
}

/** Rejects as the work does. */
function endsInTime(work: PromiseLike<unknown>, milliseconds: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(false), milliseconds);
    work.then(
      () => {
        clearTimeout(timer);
        resolve(true);
      },
      (error: unknown) => {
        clearTimeout(timer);
        // Whatever the callback rejected with is what the collection reports.
        reject(error);
      },
    );
  });
}
