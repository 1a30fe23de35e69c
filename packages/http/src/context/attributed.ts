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
    context.attribution = { ...context.attribution, ...shortTexts(attribution) };
    return withAttribution(attribution, work);
  };
  return runInRequest(context, () => {
    const attribution = ask(asked);
    return attribution instanceof Promise
      ? (attribution.then(inside) as Promise<Awaited<Result>>)
      : inside(attribution);
  });
}

/** As core keeps them, for where no context manager carries what core keeps. */
function shortTexts(attribution: Attribution): Attribution {
  const ids = Object.entries(attribution as Readonly<Record<string, unknown>>).flatMap(([name, value]) =>
    typeof value === "string" || typeof value === "number" ? [[name, String(value).slice(0, 255).toWellFormed()]] : [],
  );
  return Object.fromEntries(ids);
}
