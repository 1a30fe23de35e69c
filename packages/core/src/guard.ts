import type { CoreState } from "./core-state.ts";

/**
 * The function made harmless: whatever goes wrong inside (hostile getters, a foreign provider that throws) is counted and told
 * once, and the caller gets `instead`. Recording must never break the application.
 */
export function guarded<Parameters extends unknown[], Result>(
  state: CoreState,
  name: string,
  instead: Result,
  work: (...parameters: Parameters) => Result,
): (...parameters: Parameters) => Result {
  return (...parameters) => {
    try {
      return work(...parameters);
    } catch (error) {
      state.refuse(name, "recorder_failed", error);
      return instead;
    }
  };
}
