import type { CallRoute, RequestFacts } from "../wire/wire-format.ts";
import { mayBeModelCall, routeOf } from "../wire/routes.ts";
import type { CaptureSettings } from "./capture-options.ts";
import { retrySign, type RetrySign } from "./retry-signs.ts";

/** What `fetch` was called with, where that is a model call. */
export interface ModelRequest {
  readonly url: string;
  readonly host: string;
  readonly route: CallRoute;
  readonly facts: RequestFacts;
  readonly headers: Headers;
  /** Read once: the headers are the caller's own, who may change them when the request is sent. */
  readonly retrySign: RetrySign | undefined;
  readonly signal: AbortSignal | undefined;
  /** The body, where it can be sent again and compared. */
  readonly body: string | Uint8Array | undefined;
}

/** A request, and its content parsed, which nobody needs for long. */
export interface ParsedRequest {
  readonly request: ModelRequest;
  /** Where the content is JSON. */
  readonly json: Record<string, unknown> | undefined;
}

/** The arguments of `fetch`. Others than a string, a URL or a request are made a string of by it. */
export type FetchArguments = readonly [input: unknown, init?: RequestInit | undefined];

/** A request that may be a model call by its address. */
export interface Addressed {
  readonly url: string;
  readonly host: string;
  readonly route: CallRoute;
  readonly headers: Headers;
  readonly retrySign: RetrySign | undefined;
  readonly signal: AbortSignal | undefined;
  /** What is sent; a request object, where that holds what is sent. */
  readonly content: unknown;
}

/** Undefined for every other request, found out without parsing its URL: they are the most, and have nothing to pay. */
export function readAddress([input, init]: FetchArguments, settings: CaptureSettings): Addressed | undefined {
  const request =
    typeof input === "object" && input !== null && !(input instanceof URL) ? (input as Request) : undefined;
  const method: unknown = init?.method ?? request?.method;
  if (typeof method !== "string" || (method !== "POST" && method.toUpperCase() !== "POST")) return undefined;
  const address = typeof input === "string" ? input : input instanceof URL ? input.href : request?.url;
  if (typeof address !== "string" || !mayBeModelCall(address, settings)) return undefined;
  const target = targetOf(address, method, settings);
  if (target === undefined) return undefined;
  const given = init?.headers ?? request?.headers;
  const headers = given instanceof Headers ? given : new Headers(given);
  return {
    url: address,
    host: target.host,
    route: target.route,
    headers,
    retrySign: retrySign(headers),
    signal: init?.signal ?? request?.signal ?? undefined,
    content: init?.body ?? request,
  };
}

interface Target {
  readonly host: string;
  readonly route: CallRoute;
}

/** An application calls few addresses, again and again. Those with a query may have a key in it, and are not kept. */
const knownTargets = new WeakMap<CaptureSettings, Map<string, Target>>();
const mostKnown = 100;

function targetOf(address: string, method: string, settings: CaptureSettings): Target | undefined {
  let known = knownTargets.get(settings);
  if (known === undefined) knownTargets.set(settings, (known = new Map()));
  const found = known.get(address);
  if (found !== undefined) return found;
  const url = URL.parse(address);
  const route = url === null ? undefined : routeOf(url, method, settings);
  if (url === null || route === undefined) return undefined;
  const target = { host: url.host, route };
  if (known.size < mostKnown && url.search === "" && url.username === "") known.set(address, target);
  return target;
}

/** What is asked of a model by the content; undefined when it is no model call after all. */
export function readModelRequest(addressed: Addressed, content: unknown): ParsedRequest | undefined {
  const body = typeof content === "string" || content instanceof Uint8Array ? content : undefined;
  const parsed = body === undefined ? fieldsOf(content) : parse(body);
  const { url, host, route, headers, retrySign: sign, signal } = addressed;
  const facts = route.format.readRequest(parsed, route);
  if (facts === null) return undefined;
  const json = isObject(parsed) && body !== undefined ? parsed : undefined;
  return { request: { url, host, route, headers, retrySign: sign, signal, facts, body }, json };
}

/** Longer requests are not parsed: the model is then the one that the answer names. In characters or bytes. */
const longestParsed = 16 * 1024 * 1024;

function parse(body: string | Uint8Array): unknown {
  if (body.length > longestParsed) return undefined;
  try {
    return JSON.parse(typeof body === "string" ? body : decoder.decode(body));
  } catch {
    return undefined;
  }
}

const decoder = new TextDecoder();

/** The short texts of a form: images to edit and sound to write down are sent by one. */
function fieldsOf(body: unknown): Record<string, unknown> | undefined {
  if (!(body instanceof FormData)) return undefined;
  const fields: Record<string, unknown> = {};
  for (const [name, value] of body) if (typeof value === "string") fields[name] = value;
  return fields;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
