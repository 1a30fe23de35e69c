import { catalogueMeter } from "./catalogue.ts";
import type { CoreState } from "./core-state.ts";
import { createFamily } from "./family.ts";
import { guarded } from "./guard.ts";
import { shortText } from "./label-value.ts";
import { readFields } from "./reading.ts";
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
  const duration = createFamily(state, {
    members: { seconds: { meter: catalogueMeter("http.server.request.duration") } },
  });
  const name = "http.server.request.duration";

  const requestOf = (request: HttpRequest): HttpRequest => readFields(state, name, request, readRequest);
  const answerOf = guarded(state, name, {}, (answer: HttpAnswer) => readFields(state, name, answer, readAnswer));

  function ended(request: HttpRequest, answer: HttpAnswer, seconds: number): void {
    const { status, route, errorType } = answer;
    const failure = errorType ?? (typeof status === "number" && status >= 500 ? String(status) : undefined);
    duration.series([request.method, request.scheme, route, status, failure]).cells.seconds(seconds);
  }

  return {
    start: guarded(state, name, { end() {} }, (given: HttpRequest) => {
      const request = requestOf(given);
      const inProgress = active.series([request.method, request.scheme]).cells.count;
      inProgress(1);
      let answer: HttpAnswer = {};
      const run = startRun(state, name, ({ seconds }) => {
        inProgress(-1);
        ended(request, answer, seconds);
      });
      return {
        end(answered: HttpAnswer = {}) {
          answer = answerOf(answered);
          run.complete();
        },
      };
    }),
    record: guarded(state, name, undefined, (request: HttpRequest & HttpAnswer & { readonly duration: number }) =>
      ended(
        requestOf(request),
        answerOf(request),
        readFields(state, name, request, (fields) => fields.duration),
      ),
    ),
  };
}

function readRequest({ method, scheme }: HttpRequest): HttpRequest {
  const upper = (shortText(method) ?? "").toUpperCase();
  return { method: httpMethods.includes(upper) ? upper : "_OTHER", scheme: scheme ?? "http" };
}

function readAnswer({ status, route, errorType }: HttpAnswer): HttpAnswer {
  return { status, route, errorType };
}
