import type { Place } from "./config-file-place.ts";
import type { PropagatorName } from "./config-file-settings.ts";
import { splitList } from "./parse-lists.ts";

/** The propagators of `propagator`, undefined where it does not say. */
export function readPropagators(root: Place, note: (path: string, what: string) => void): PropagatorName[] | undefined {
  const propagator = root.at("propagator");
  const composite = propagator.list("composite").flatMap((each) =>
    each.keys.map((name) => {
      each.value(name);
      return { name, path: each.pathOf(name) };
    }),
  );
  const list = splitList(propagator.text("composite_list") ?? "").map((name) => ({
    name,
    path: `${propagator.pathOf("composite_list")}: ${name}`,
  }));
  if (!propagator.keys.includes("composite") && !propagator.keys.includes("composite_list")) return undefined;
  const wanted = new Set<PropagatorName>();
  for (const { name, path } of [...composite, ...list]) {
    if (name === "tracecontext" || name === "baggage") wanted.add(name);
    else if (name !== "none") {
      note(
        path,
        "is not supported and has no effect: take tracecontext and baggage, or register its propagator before the start",
      );
    }
  }
  return [...wanted];
}
