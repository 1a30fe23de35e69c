import { type Attribution, withAttribution } from "@meterbridge/core";
import type { AskAttribution } from "./attribution.ts";
import { type RequestContext, runInRequest } from "./request-context.ts";

/** Runs `work` in the request's context, on behalf of whom the application says: at once, where it says so at once. */
export function runAttributed<Asked, Result>(
  context: RequestContext,
  ask: AskAttribution<Asked>,
  asked: Asked,
  work: () => Result,
): Result | Promise<Awaited<Result>> {
  const inside = (attribution: Attribution): Result => {
    context.attribution = { ...context.attribution, ...attribution };
    return withAttribution(attribution, work);
  };
  return runInRequest(context, () => {
    const attribution = ask(asked);
    return attribution instanceof Promise
      ? (attribution.then(inside) as Promise<Awaited<Result>>)
      : inside(attribution);
  });
}
