import type { CoreState } from "./core-state.ts";

/**
 * What `read` takes from an object of the application's. A getter that throws costs its own field, which reads as undefined and
 * is counted; the rest of the recording stands. Throws when there is no object.
 */
export function readFields<Given extends object, Fields>(
  state: CoreState,
  meterName: string,
  given: Given,
  read: (given: Given) => Fields,
): Fields {
  if (typeof given !== "object" || given === null) {
    throw new TypeError(`an object is needed, found ${given === null ? "null" : typeof given}`);
  }
  try {
    return read(given);
  } catch {
    return read(readable(state, meterName, given));
  }
}

function readable<Given extends object>(state: CoreState, meterName: string, given: Given): Given {
  return new Proxy(Object.create(null) as Given, {
    get(_target, field) {
      try {
        return Reflect.get(given, field) as unknown;
      } catch (error) {
        state.refuse(meterName, "field_unusable", error);
        return undefined;
      }
    },
  });
}
