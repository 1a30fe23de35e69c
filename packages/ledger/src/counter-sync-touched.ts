import type { CounterOwner } from "./hot-counter-keys.ts";

/** Whose counters are behind. Bounded: beyond that, everybody's are. */
export interface Touched {
  readonly isEmpty: boolean;
  add(owner: CounterOwner): void;
  everything(): void;
  take(): TakenTouches;
  putBack(taken: TakenTouches): void;
}

export interface TakenTouches {
  readonly everything: boolean;
  /** Employees by tenant; the tenant itself goes without saying. */
  readonly owners: ReadonlyMap<string, ReadonlySet<string>>;
}

export function createTouched(tenantsKept = 10_000, employeesKept = 100_000): Touched {
  let isEverything = false;
  let employees = 0;
  let owners = new Map<string, Set<string>>();

  function everything(): void {
    isEverything = true;
    employees = 0;
    owners = new Map();
  }

  function add({ tenant, employee }: CounterOwner): void {
    if (isEverything) return;
    let ofTenant = owners.get(tenant);
    if (ofTenant === undefined) owners.set(tenant, (ofTenant = new Set()));
    if (employee !== null && !ofTenant.has(employee)) {
      ofTenant.add(employee);
      employees += 1;
    }
    if (owners.size > tenantsKept || employees > employeesKept) everything();
  }

  return {
    get isEmpty() {
      return !isEverything && owners.size === 0;
    },
    add,
    everything,
    take() {
      const taken = { everything: isEverything, owners };
      isEverything = false;
      employees = 0;
      owners = new Map();
      return taken;
    },
    putBack(taken) {
      if (taken.everything) everything();
      for (const [tenant, ofTenant] of taken.owners) {
        add({ tenant, employee: null });
        for (const employee of ofTenant) add({ tenant, employee });
      }
    },
  };
}
