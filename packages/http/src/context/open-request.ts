import { context as openTelemetry } from "@opentelemetry/api";
import { routeOf, type ServerAnswer, type ServerRequest, setRoute, trackRequest } from "../requests/track-request.ts";
import { runAttributed } from "./attributed.ts";
import { createAskAttribution } from "./attribution.ts";
import { bindBody } from "./bind-body.ts";
import { type RequestContext, runInRequest } from "./request-context.ts";
import { requestIdFor, requestIdHeader } from "./request-id.ts";
import { logEnd, logStart } from "./request-lines.ts";
import { type RequestsOptions, settleRequestsOptions, type SettledOptions } from "./requests-options.ts";
import { isSkipped } from "./skipped-paths.ts";

/** A request that has come through a middleware. */
export interface OpenRequest {
  readonly requestId: string;
  /** Runs `work` as part of the request, on behalf of whom the application says. At once, where it says so at once. */
  run<Result>(work: () => Result): Result | Promise<Awaited<Result>>;
  /** Notes what was thrown, for the line of the request's end. The last one counts. */
  failed(error: unknown): void;
  /** Names the route's template. */
  route(template: string): void;
}

/** What the middlewares have in common, for servers on node:http and node:http2. Throws when an option is wrong. */
export function createOpenRequest<Asked>(
  options: RequestsOptions<Asked>,
): (request: ServerRequest, response: ServerAnswer, asked: Asked) => OpenRequest {
  const settled = settleRequestsOptions(options);
  const ask = createAskAttribution(settled.attribution, settled.attributionTimeoutMillis);
  return (request, response, asked) => {
    const open = (request as Marked)[OPEN] ?? begin(request, response, settled);
    return {
      requestId: open.context.requestId,
      failed: open.failed,
      route: open.route,
      run: (work) =>
        runAttributed(open.context, ask, asked, () => {
          open.start();
          return work();
        }),
    };
  };
}

/** The request that a middleware has opened, for handlers of errors, which come by another way. */
export function openRequestOf(request: ServerRequest): Pick<OpenRequest, "failed"> | undefined {
  return (request as Marked)[OPEN];
}

/** Its own for each copy of this package: to another copy's middleware a request is new. */
const OPEN: unique symbol = Symbol("meterbridge.open-request");
type Marked = ServerRequest & { [OPEN]?: Begun };

interface Begun extends Pick<OpenRequest, "failed" | "route"> {
  readonly context: RequestContext;
  /** Told once, when the request's context is settled. */
  start(): void;
}

function begin(request: ServerRequest, response: ServerAnswer, { logger, skip }: SettledOptions<never>): Begun {
  const context: RequestContext = { requestId: requestIdFor(request.headers["x-request-id"]) };
  const begun = performance.now();
  const method = request.method ?? "GET";
  let error: unknown;
  let template: string | undefined;
  let hasStarted = false;
  let hasEnded = false;
  let isWhole = false;
  let enter = <Result>(work: () => Result): Result => runInRequest(context, work);

  attempt(() => response.setHeader(requestIdHeader, context.requestId));
  trackRequest(request, response);
  const lines = logger !== undefined && !isSkipped(request, skip) ? logger : undefined;
  if (lines !== undefined) {
    // First in line: what the meters know of the request, they forget at its end.
    response.prependOnceListener("finish", () => {
      isWhole = true;
      end();
    });
    response.once("close", end);
  }

  function end(): void {
    if (hasEnded || lines === undefined) return;
    hasEnded = true;
    const status = response.headersSent ? response.statusCode : undefined;
    const route = template ?? routeOf(request);
    const milliseconds = performance.now() - begun;
    // A connection that breaks is told of outside of any request.
    enter(() => logEnd(lines, { method, route, status, milliseconds, error, isAborted: !isWhole }));
  }

  return ((request as Marked)[OPEN] = {
    context,
    start() {
      if (hasStarted) return;
      hasStarted = true;
      const active = openTelemetry.active();
      enter = (work) => runInRequest(context, () => openTelemetry.with(active, work));
      bindBody(request, enter);
      if (lines !== undefined) logStart(lines, method);
    },
    failed(thrown) {
      error = thrown;
    },
    route(given) {
      template = given;
      setRoute(request, given);
    },
  });
}

/** Where the answer is under way or its connection is gone, there is nothing to add to. */
function attempt(add: () => void): void {
  try {
    add();
  } catch {
    // As above.
  }
}
