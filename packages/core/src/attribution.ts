import { context, createContextKey, propagation, type Baggage, type Context } from "@opentelemetry/api";
import { readAttribute } from "./attribute-reading.ts";
import type { Settings } from "./configuration.ts";
import { labelValue } from "./label-value.ts";
import type { RefusalReason } from "./vocabulary.ts";

/** On whose behalf something happens. Ids are texts; numbers are taken as texts. */
export interface Attribution {
  readonly tenant?: string | undefined;
  readonly employee?: string | undefined;
  readonly project?: string | undefined;
  readonly process?: string | undefined;
  readonly execution?: string | undefined;
  readonly user?: string | undefined;
}

const fields = ["tenant", "employee", "project", "process", "execution", "user"] as const;

export interface AttributionState {
  /** The attribution of the active context: given here, or brought by baggage. */
  current(): Attribution;
  /** The values of the configured labels, in their order. */
  labels(): readonly (string | undefined)[];
  /** Runs `work` with the attribution put over the current one. */
  run<Result>(attribution: Attribution, work: () => Result): Result;
}

/** The context's entry. Labels are worked out once per entry, not once per recording. */
interface Entry {
  readonly attribution: Attribution;
  labels: readonly (string | undefined)[];
  generation: number;
}

const contextKey = createContextKey("meterbridge.attribution");
/** Baggage keys are shared by all libraries of a request, so ours carry a prefix. */
const baggagePrefix = "meterbridge.";

/** What attribution needs of its surroundings. */
export interface AttributionSurroundings {
  settings(): Settings;
  generation(): number;
  refuse(reason: RefusalReason): void;
  /** The context does not carry attributions into the work. Told once. */
  notCarried(): void;
  /** Whether there is anybody to record for. */
  isBound(): boolean;
}

export function createAttribution(surroundings: AttributionSurroundings): AttributionState {
  const { settings, generation, refuse, notCarried, isBound } = surroundings;
  let isChecked = false;
  const fromBaggage = new WeakMap<Baggage, Entry>();
  const none = makeEntry({});

  function entry(active: Context): Entry {
    const given = active.getValue(contextKey) as Entry | undefined;
    if (given !== undefined) return given;
    const baggage = settings().attributionBaggage ? propagation.getBaggage(active) : undefined;
    if (baggage === undefined) return none;
    let brought = fromBaggage.get(baggage);
    if (brought === undefined) fromBaggage.set(baggage, (brought = makeEntry(readBaggage(baggage))));
    return brought;
  }

  function readBaggage(baggage: Baggage): Attribution {
    return clean(Object.fromEntries(fields.map((field) => [field, baggage.getEntry(baggagePrefix + field)?.value])));
  }

  function clean(attribution: Attribution): Attribution {
    const kept: { -readonly [Field in keyof Attribution]: string } = {};
    for (const field of fields) {
      const value = labelValue(readAttribute(attribution, field), "string", refuse);
      if (value !== undefined) kept[field] = String(value);
    }
    return Object.freeze(kept);
  }

  return {
    current: () => entry(context.active()).attribution,
    labels() {
      const current = entry(context.active());
      const now = generation();
      if (current.generation !== now) {
        current.labels = settings().attributionLabels.map((label) => current.attribution[label]);
        current.generation = now;
      }
      return current.labels;
    },
    run(attribution, work) {
      const active = context.active();
      const merged = Object.freeze({ ...entry(active).attribution, ...clean(attribution) });
      const withEntry = active.setValue(contextKey, makeEntry(merged));
      return context.with(settings().attributionBaggage ? withBaggage(withEntry, merged) : withEntry, () => {
        checkOnce();
        return work();
      });
    },
  };

  /** Without a context manager the API runs the work all the same, and all attribution is lost without a word. */
  function checkOnce(): void {
    if (isChecked || !isBound()) return;
    isChecked = true;
    try {
      if (context.active().getValue(contextKey) === undefined) notCarried();
    } catch {
      // A logger that throws must not keep the application's work from running.
    }
  }
}

function makeEntry(attribution: Attribution): Entry {
  return { attribution, labels: [], generation: -1 };
}

function withBaggage(active: Context, attribution: Attribution): Context {
  let baggage = propagation.getBaggage(active) ?? propagation.createBaggage();
  for (const field of fields) {
    const value = attribution[field];
    if (value !== undefined) baggage = baggage.setEntry(baggagePrefix + field, { value });
  }
  return propagation.setBaggage(active, baggage);
}
