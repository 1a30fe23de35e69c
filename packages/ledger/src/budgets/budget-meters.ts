import { metrics, type Attributes, type Counter, type MeterProvider, type ObservableGauge } from "@opentelemetry/api";
import type { BudgetState } from "./budget.ts";

/** How a reservation went in one budget. */
export type BudgetOutcome =
  | "granted"
  | "soft"
  | "refused"
  | "failed_open"
  | "failed_closed"
  | "local_share"
  | "expired";

/** What budgets tell, in meters of the application's provider. Core's catalogue describes them. */
export interface BudgetMeters {
  /** `meterbridge.budget.reservations`. */
  count(budget: string, outcome: BudgetOutcome, reservations?: number): void;
  /** Finds a provider that was registered later. */
  bind(): void;
  /** Ends the observation. */
  close(): void;
}

/** The API hands out the provider of the moment, so a later one is noticed by asking again. */
export function budgetMeters(states: () => readonly BudgetState[], now: () => number): BudgetMeters {
  let boundTo: MeterProvider | undefined;
  let reservations: Counter | undefined;
  let unobserve = (): void => {};

  function bind(): Counter {
    const provider = metrics.getMeterProvider();
    if (reservations !== undefined && provider === boundTo) return reservations;
    unobserve();
    boundTo = provider;
    const meter = provider.getMeter("@meterbridge/ledger");
    reservations = meter.createCounter("meterbridge.budget.reservations", {
      unit: "{reservation}",
      description: "Reservations against a budget, by how they went",
    });
    const used = meter.createObservableGauge("meterbridge.budget.used", {
      unit: "1",
      description: "Share of the limit that is spent or reserved, above 1 when overdrawn; of the 200 fullest budgets",
    });
    const remaining = meter.createObservableGauge("meterbridge.budget.remaining", {
      unit: "s",
      description: "Time until the budget's window ends; of the same budgets",
    });
    const observe: Parameters<typeof meter.addBatchObservableCallback>[0] = (result) => {
      for (const { share, state, attributes } of fullest(states())) {
        result.observe(used, share, attributes);
        if (state.windowEnd !== undefined) {
          result.observe(remaining, Math.max(0, state.windowEnd.getTime() - now()) / 1000, attributes);
        }
      }
    };
    const gauges: ObservableGauge[] = [used, remaining];
    meter.addBatchObservableCallback(observe, gauges);
    unobserve = () => meter.removeBatchObservableCallback(observe, gauges);
    return reservations;
  }

  return {
    count: (budget, outcome, count = 1) => bind().add(count, { budget, outcome }),
    bind: () => void bind(),
    close() {
      unobserve();
      unobserve = () => {};
    },
  };
}

interface Observed {
  readonly share: number;
  readonly state: BudgetState;
  readonly attributes: Attributes;
}

function fullest(states: readonly BudgetState[]): readonly Observed[] {
  const shares = states.map((state) => ({ share: Number(state.used + state.reserved) / Number(state.limit), state }));
  if (shares.length > mostSeries) shares.sort((left, right) => right.share - left.share);
  return shares.slice(0, mostSeries).map(({ share, state }) => ({ share, state, attributes: attributesOf(state) }));
}

/** Values that are not known are left out. */
function attributesOf({ budget, scope }: BudgetState): Attributes {
  const attributes: Attributes = { budget };
  for (const [name, value] of Object.entries(scope))
    if (value !== null && value !== undefined) attributes[name] = value;
  return attributes;
}

/** Series cost money, and whoever is far from the limit needs no watching. */
const mostSeries = 200;
