import type { ObservableResult } from "@opentelemetry/api";
import { catalogueMeter } from "./catalogue.ts";
import type { CoreState } from "./core-state.ts";
import { createFamily } from "./family.ts";
import { guarded } from "./guard.ts";
import { shortText } from "./label-value.ts";
import { observe } from "./observed.ts";
import { readFields } from "./reading.ts";
import { startRun } from "./run.ts";
import { http as names, httpMethods } from "./semconv.ts";

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

/** A request that was sent to a server, and has ended. */
export interface HttpClientRequest {
  /** Methods nobody heard of are recorded as `_OTHER`. */
  readonly method: string;
  /** Host name or address of the server. */
  readonly address: string;
  readonly port: number;
  readonly status?: number | undefined;
  /** @default the status, from 400 on */
  readonly errorType?: string | undefined;
  /** Seconds. */
  readonly duration: number;
}

/**
 * The server requests of one method and scheme, for servers that count the nanoseconds: no object is made for a request, and its
 * attribution is not looked for.
 */
export interface HttpRequests {
  /** One more is in progress. */
  begin(): void;
  /** One has ended, `seconds` after it began. The error type defaults to the status, from 500 on. */
  end(seconds: number, status?: number, route?: string, errorType?: string): void;
}

export interface HttpRecorder {
  /** Begins a server request: `http.server.active_requests` rises until `end`, then the duration is recorded. */
  start(request: HttpRequest): { end(answer: HttpAnswer): void };
  /** Records a server request that was timed elsewhere; `duration` in seconds. */
  record(request: HttpRequest & HttpAnswer & { readonly duration: number }): void;
  /** The same as `start` for very many requests, which the caller times. Kept per method and scheme, so that they can be kept. */
  requests(request: HttpRequest): HttpRequests;
  /** Records the duration of a request that this process has sent. */
  recordClient(request: HttpClientRequest): void;
}

export function createHttpRecorder(state: CoreState): HttpRecorder {
  const name = "http.server.request.duration";
  const duration = createFamily(state, { members: { seconds: { meter: catalogueMeter(name) } } });
  const clientName = "http.client.request.duration";
  const client = createFamily(state, { members: { seconds: { meter: catalogueMeter(clientName) } } });
  const groups = new Map<string, RequestGroup>();

  observe(state, catalogueMeter("http.server.active_requests"), (result: ObservableResult) => {
    for (const { attributes, active } of groups.values()) result.observe(active, attributes);
  });

  const requestOf = (request: HttpRequest): Required<HttpRequest> => readFields(state, name, request, readRequest);
  const answerOf = guarded(state, name, {}, (answer: HttpAnswer) => readFields(state, name, answer, readAnswer));

  function groupOf(request: HttpRequest): RequestGroup {
    const { method, scheme } = requestOf(request);
    const key = `${method} ${scheme}`;
    let group = groups.get(key);
    if (group === undefined) {
      const attributes = Object.freeze({ [names.method]: method, [names.scheme]: scheme });
      groups.set(key, (group = { attributes, method, scheme, active: 0, requests: noRequests }));
      group.requests = requestsOf(group);
    }
    return group;
  }

  function ended(
    { method, scheme }: Required<HttpRequest>,
    { status, route, errorType }: HttpAnswer,
    seconds: number,
  ): void {
    duration.series([method, scheme, route, status, errorType ?? failure(status, 500)]).cells.seconds(seconds);
  }

  function requestsOf(group: RequestGroup): HttpRequests {
    const values: unknown[] = [group.method, group.scheme, undefined, undefined, undefined];
    const end = guarded(
      state,
      name,
      undefined,
      (seconds: number, status?: number, route?: string, errorType?: string): undefined => {
        values[2] = route;
        values[3] = status;
        values[4] = errorType ?? failure(status, 500);
        duration.series(values, unattributed()).cells.seconds(seconds);
      },
    );
    return {
      begin() {
        // Follows the provider, so that the first requests are shown while they last.
        state.binding.generation();
        group.active++;
      },
      end(seconds, status, route, errorType) {
        group.active--;
        end(seconds, status, route, errorType);
      },
    };
  }

  let nobody: readonly undefined[] = [];
  function unattributed(): readonly undefined[] {
    const { length } = state.settings().attributionLabels;
    return nobody.length === length ? nobody : (nobody = Array.from({ length }, () => undefined));
  }

  return {
    start: guarded(state, name, { end() {} }, (given: HttpRequest) => {
      const group = groupOf(given);
      state.binding.generation();
      group.active++;
      let answer: HttpAnswer = {};
      let isEnded = false;
      const run = startRun(state, name, ({ seconds }) => ended(group, answer, seconds));
      return {
        end(answered: HttpAnswer = {}) {
          if (!isEnded) group.active--;
          isEnded = true;
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
    requests: guarded(state, name, noRequests, (request: HttpRequest) => groupOf(request).requests),
    recordClient: guarded(state, clientName, undefined, (request: HttpClientRequest): undefined => {
      const { method, address, port, status, errorType, seconds } = readFields(state, clientName, request, readClient);
      client.series([method, address, port, status, errorType ?? failure(status, 400)]).cells.seconds(seconds);
    }),
  };
}

interface RequestGroup extends Required<HttpRequest> {
  readonly attributes: Readonly<Record<string, string>>;
  active: number;
  requests: HttpRequests;
}

const noRequests: HttpRequests = { begin() {}, end() {} };

function readRequest({ method, scheme }: HttpRequest): Required<HttpRequest> {
  return { method: knownMethod(method), scheme: scheme === "https" ? "https" : "http" };
}

function readAnswer({ status, route, errorType }: HttpAnswer): HttpAnswer {
  return { status, route, errorType };
}

function readClient(request: HttpClientRequest): Omit<HttpClientRequest, "duration"> & { readonly seconds: number } {
  const { method, address, port, status, errorType, duration } = request;
  return { method: knownMethod(method), address, port, status, errorType, seconds: duration };
}

function failure(status: unknown, from: number): string | undefined {
  return typeof status === "number" && status >= from ? String(status) : undefined;
}

function knownMethod(method: unknown): string {
  const upper = (shortText(method) ?? "").toUpperCase();
  return httpMethods.includes(upper) ? upper : "_OTHER";
}
