import { trackFetch } from "../requests/track-request.ts";
import { runAttributed } from "./attributed.ts";
import { createAskAttribution } from "./attribution.ts";
import { requestIdFor } from "./request-id.ts";
import { logEnd, logStart } from "./request-lines.ts";
import { type RequestsOptions, settleRequestsOptions } from "./requests-options.ts";
import { isBelow } from "./skipped-paths.ts";

/** A request of a server without node:http, whose middleware says when it is over. */
export interface OpenFetch {
  readonly requestId: string;
  run<Result>(work: () => Result): Result | Promise<Awaited<Result>>;
  /** What it was answered with, or what was thrown, and the route's template. The answer's body may still be on its way. */
  end(answer: { readonly status?: number; readonly route?: string | undefined; readonly error?: unknown }): void;
}

/** What the middlewares have in common, for whatever speaks `Request`. Throws when an option is wrong. */
export function createOpenFetch<Asked>(options: RequestsOptions<Asked>): (request: Request, asked: Asked) => OpenFetch {
  const { logger, skip, attribution, attributionTimeoutMillis } = settleRequestsOptions(options);
  const ask = createAskAttribution(attribution, attributionTimeoutMillis);
  return (request, asked) => {
    const begun = performance.now();
    const context = { requestId: requestIdFor(request.headers.get("x-request-id")) };
    const tracked = trackFetch(request);
    const { method } = request;
    const lines = logger !== undefined && !isBelow(pathOf(request.url), skip) ? logger : undefined;
    return {
      requestId: context.requestId,
      run: (work) =>
        runAttributed(context, ask, asked, () => {
          if (lines !== undefined) logStart(lines, method);
          return work();
        }),
      end({ status, route, error }) {
        if (route !== undefined) tracked.setRoute(route);
        tracked.end({ status, error: status === undefined ? error : undefined });
        if (lines === undefined) return;
        const milliseconds = performance.now() - begun;
        logEnd(lines, { method, route, status, milliseconds, error, isAborted: false });
      },
    };
  };
}

function pathOf(url: string): string {
  return URL.parse(url)?.pathname ?? "/";
}
