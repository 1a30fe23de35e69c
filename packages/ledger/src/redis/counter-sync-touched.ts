import type { CounterOwner } from "./hot-counter-keys.ts";

/** Employees by tenant; the tenant itself goes without saying. */
export type Owners = ReadonlyMap<string, ReadonlySet<string>>;

/** Whose counters are behind. Bounded: when there are too many it forgets them, and says so by returning false. */
export interface Touched {
  readonly isEmpty: boolean;
  add(owner: CounterOwner): boolean;
  take(): Owners;
  putBack(taken: Owners): boolean;
}

export function createTouched(tenantsKept = 10_000, employeesKept = 100_000): Touched {
  let employees = 0;
  let owners = new Map<string, Set<string>>();

  function take(): Owners {
    const taken = owners;
    employees = 0;
    owners = new Map();
    return taken;
  }

  function add({ tenant, employee }: CounterOwner): boolean {
    let ofTenant = owners.get(tenant);
    if (ofTenant === undefined) owners.set(tenant, (ofTenant = new Set()));
    if (employee !== null && !ofTenant.has(employee)) {
      ofTenant.add(employee);
      employees += 1;
    }
    if (owners.size <= tenantsKept && employees <= employeesKept) return true;
    take();
    return false;
  }

  return {
    get isEmpty() {
      return owners.size === 0;
    },
    add,
    take,
    putBack(taken) {
      for (const [tenant, ofTenant] of taken) {
        for (const employee of [null, ...ofTenant]) if (!add({ tenant, employee })) return false;
      }
      return true;
    },
  };
}
