import type { CoreState } from "./core-state.ts";
import type { MeterDefinition } from "./meter-definition.ts";

/** The attribute's value. A hostile getter gives a value that is refused, instead of throwing. */
export function readAttribute(attributes: unknown, key: string): unknown {
  if (typeof attributes !== "object" || attributes === null) return undefined;
  try {
    return (attributes as Record<string, unknown>)[key];
  } catch {
    return unreadable;
  }
}

const unreadable: unknown = Symbol("unreadable");
/** Looking for strays costs more than recording, and a mistake in the code shows in its first calls. */
const checkedCalls = 20;

/**
 * Looks at the first calls of a meter for attributes that its definition does not have, and counts them: they are left out, and
 * nothing is lost in silence. The type system says it earlier, where it is used.
 */
export function createStrayCheck(state: CoreState, meter: MeterDefinition): (attributes: unknown) => void {
  let left = checkedCalls;
  return (attributes) => {
    if (left === 0 || attributes === undefined || attributes === null) return;
    left--;
    if (typeof attributes !== "object") state.refuse(meter.name, "attribute_value");
    else if (keysOf(attributes).some((key) => !Object.hasOwn(meter.attributes, key))) {
      state.refuse(meter.name, "attribute_unknown");
    }
  };
}

/** A hostile proxy has no keys to look at; its value is recorded all the same. */
function keysOf(attributes: object): readonly string[] {
  try {
    return Object.keys(attributes);
  } catch {
    return [];
  }
}
