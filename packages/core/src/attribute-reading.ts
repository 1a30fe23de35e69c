import type { CoreState } from "./core-state.ts";

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
 * Looks at the first calls of a recorder for names that it does not know, and counts them: they are left out, and nothing is lost
 * in silence. The type system says it earlier, where it is used.
 */
export function createStrayCheck(
  state: CoreState,
  recorder: string,
  known: ReadonlySet<string>,
): (given: unknown) => void {
  let left = checkedCalls;
  return (given) => {
    if (left === 0 || given === undefined || given === null) return;
    left--;
    if (typeof given !== "object") {
      state.refuse(recorder, "attribute_value");
      return;
    }
    const strays = keysOf(given).filter((key) => !known.has(key));
    if (strays.length > 0) state.refuse(recorder, "attribute_unknown", strays.slice(0, 5).join(", ").slice(0, 200));
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
