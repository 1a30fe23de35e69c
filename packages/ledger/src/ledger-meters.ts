import { metrics, type Counter, type MeterProvider, type UpDownCounter } from "@opentelemetry/api";
import { harmlessly } from "./harmlessly.ts";

/** What became of a usage event. */
export type EventOutcome = "written" | "duplicate" | "expired" | "refused" | "lost";

/** What the ledger tells about itself, in meters of the application's provider. Core's catalogue describes them. */
export interface LedgerMeters {
  /** `meterbridge.ledger.events`. */
  ended(events: number, outcome: EventOutcome): void;
  /** `meterbridge.ledger.waiting`: events taken and not yet in the store, more or fewer. */
  waiting(events: number): void;
  /** `meterbridge.ledger.spooled`. */
  spooled(events: number): void;
  /** `meterbridge.ledger.replayed`. */
  replayed(events: number): void;
  /** `meterbridge.ledger.fields.mended`. */
  mended(field: string): void;
  /** `meterbridge.ledger.failures`. */
  failed(part: "store" | "spool"): void;
}

export function createLedgerMeters(): LedgerMeters {
  let boundTo: MeterProvider | undefined;
  let instruments: Instruments | undefined;

  /** The API hands out the provider of the moment, so a later one is noticed by asking again. */
  function current(): Instruments {
    const provider = metrics.getMeterProvider();
    if (instruments === undefined || provider !== boundTo) {
      boundTo = provider;
      instruments = createInstruments(provider);
    }
    return instruments;
  }

  function record(amount: number, to: (instruments: Instruments) => void): void {
    if (amount !== 0) harmlessly(() => to(current()));
  }

  return {
    ended: (events, outcome) => record(events, (to) => to.events.add(events, { outcome })),
    waiting: (events) => record(events, (to) => to.waiting.add(events)),
    spooled: (events) => record(events, (to) => to.spooled.add(events)),
    replayed: (events) => record(events, (to) => to.replayed.add(events)),
    mended: (field) => record(1, (to) => to.mended.add(1, { field })),
    failed: (part) => record(1, (to) => to.failures.add(1, { part })),
  };
}

interface Instruments {
  readonly events: Counter;
  readonly waiting: UpDownCounter;
  readonly spooled: Counter;
  readonly replayed: Counter;
  readonly mended: Counter;
  readonly failures: Counter;
}

function createInstruments(provider: MeterProvider): Instruments {
  const meter = provider.getMeter("@meterbridge/ledger");
  const counter = (name: string, unit: string, description: string): Counter =>
    meter.createCounter(name, { unit, description });
  return {
    events: counter("meterbridge.ledger.events", "{event}", "Usage events by what became of them"),
    waiting: meter.createUpDownCounter("meterbridge.ledger.waiting", {
      unit: "{event}",
      description: "Usage events taken by this process that are not in the store yet",
    }),
    spooled: counter("meterbridge.ledger.spooled", "{event}", "Usage events kept on disk because the store was away"),
    replayed: counter("meterbridge.ledger.replayed", "{event}", "Usage events brought from disk to the store"),
    mended: counter(
      "meterbridge.ledger.fields.mended",
      "{field}",
      "Fields of usage events that could not be kept as given",
    ),
    failures: counter("meterbridge.ledger.failures", "{failure}", "Operations of the ledger's parts that failed"),
  };
}
