import type { ResourceMetrics } from "@opentelemetry/sdk-metrics";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type KeptPlans, type RenderSettings, renderSteps } from "./render-steps.ts";
import { bytesOf, type SeriesPlan } from "./series-plan.ts";

/** Renders again and again what mostly has the same series. */
export interface Renderer {
  /** The metrics as bytes, in pieces. Gives the event loop to others every few milliseconds; what was collected may not change. */
  render(resourceMetrics: ResourceMetrics, settings: RenderSettings): Promise<readonly Buffer[]>;
  /** How many bytes of labels are kept now. */
  keptBytes(): number;
}

/** Makes a renderer that keeps labels of up to so many bytes between renderings; with 0, none. */
export function createRenderer(labelCacheBytes: number): Renderer {
  const byFlavour = new Map<string, Map<string, SeriesPlan>>();

  const keptBytes = (): number => {
    let sum = 0;
    for (const plans of byFlavour.values()) for (const plan of plans.values()) sum += bytesOf(plan);
    return sum;
  };

  return {
    keptBytes,
    async render(resourceMetrics, settings) {
      const key = flavourOf(settings);
      const before = byFlavour.get(key);
      const used = new Map<string, SeriesPlan>();
      const kept: KeptPlans = {
        get: (family) => before?.get(family),
        set: (family, plan) => void used.set(family, plan),
      };
      const pieces = await inTurns(renderSteps(resourceMetrics, settings, kept));
      // Set anew, so that the flavour that was asked for last is the last to go. Families that are gone are dropped.
      byFlavour.delete(key);
      byFlavour.set(key, used);
      dropExcess(byFlavour, labelCacheBytes, keptBytes);
      return pieces;
    },
  };
}

/** Text and OpenMetrics write labels alike. */
function flavourOf({ format, naming, withScopeInfo }: RenderSettings): string {
  return [format === "protobuf" ? "protobuf" : "text", naming.strategy, naming.escaping, withScopeInfo].join();
}

function dropExcess(byFlavour: Map<string, Map<string, SeriesPlan>>, limit: number, keptBytes: () => number): void {
  for (const [key, plans] of byFlavour) {
    let excess = keptBytes() - limit;
    if (excess <= 0) return;
    for (const [family, plan] of plans) {
      if (excess <= 0) return;
      plans.delete(family);
      excess -= bytesOf(plan);
    }
    byFlavour.delete(key);
  }
}

/** A step takes far less; what is left of ten milliseconds is for what others do in the same turn. */
const longestTurnMillis = 4;

async function inTurns<Result>(steps: Generator<void, Result>): Promise<Result> {
  let turnEnd = performance.now() + longestTurnMillis;
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (performance.now() < turnEnd) continue;
    await nextTurn();
    turnEnd = performance.now() + longestTurnMillis;
  }
}
