import { catalogueMeter } from "./catalogue.ts";
import type { CoreState } from "./core-state.ts";
import { createFamily } from "./family.ts";
import { guarded } from "./guard.ts";
import { startRun } from "./run.ts";
import { httpMethods } from "./semconv.ts";

/** A request a server begins to answer. */
export interface HttpRequest {
  /** Methods nobody heard of are recorded as `_OTHER`. */
  readonly method: string;
  /** @default "http" */
  readonly scheme?: "http" | "https";
}

/** How a request was answered. */
export interface HttpAnswer {
  readonly status?: number | undefined;
  /** The route's template, such as `/users/:id`. Never the raw path: it would make a series per user. */
  readonly route?: string | undefined;
  /** @default the status, from 500 on */
  readonly errorType?: string | undefined;
}

export interface HttpRecorder {
  /** Begins a server request: `http.server.active_requests` rises until `end`, then the duration is recorded. */
  start(request: HttpRequest): { end(answer: HttpAnswer): void };
  /** Records a server request that was timed elsewhere; `duration` in seconds. */
  record(request: HttpRequest & HttpAnswer & { readonly duration: number }): void;
}

export function createHttpRecorder(state: CoreState): HttpRecorder {
  const active = createFamily(state, { members: { count: { meter: catalogueMeter("http.server.active_requests") } } });
  const duration = createFamily(state, { members: { seconds: { meter: catalogueMeter("http.server.request.duration") } } });
  const name = "http.server.request.duration";

  function ended(request: HttpRequest, answer: HttpAnswer, seconds: number): void {
    const { status, route } = answer;
    const errorType = answer.errorType ?? (status !== undefined && status >= 500 ? String(status) : undefined);
    duration.series([known(request.method), request.scheme ?? "http", route, status, errorType]).cells.seconds(seconds);
  }

  return {
    start: guarded(state, name, { end() {} }, (request: HttpRequest) => {
      const inProgress = active.series([known(request.method), request.scheme ?? "http"]).cells.count;
      inProgress(1);
      let answer: HttpAnswer = {};
      const run = startRun(state, name, ({ seconds }) => {
        inProgress(-1);
        ended(request, answer, seconds);
      });
      return {
        end(given: HttpAnswer) {
          answer = given;
          run.complete();
        },
      };
    }),
    record: guarded(state, name, undefined, (request: HttpRequest & HttpAnswer & { readonly duration: number }) =>
      ended(request, request, request.duration),
    ),
  };
}

function known(method: string): string {
  const upper = String(method).toUpperCase();
  return httpMethods.includes(upper) ? upper : "_OTHER";
}
