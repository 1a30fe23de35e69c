import type { DiagLogger } from "@opentelemetry/api";
import { createHash } from "node:crypto";
import * as v from "valibot";
import { diag as globalDiag } from "../harmless-diag.ts";
import { ledgerError, ledgerErrorReason } from "../ledger-error.ts";
import { createBreaker, type RedisState } from "./redis-breaker.ts";
import { describe, redisTrouble, replyCode, say } from "./redis-error.ts";
import { openedTransport, requireIoredis } from "./redis-open.ts";
import { type Deadline, passedInTransport, type RedisClient, type RedisTransport } from "./redis-transport.ts";

export interface RedisOptions {
  /** The application's own client: ioredis, node-redis, or a cluster of either. It is never closed here. */
  readonly client?: RedisClient;
  /** `redis://` or `rediss://`, opened with ioredis at the first call. Default `REDIS_URL`. Not read when there is a client. */
  readonly url?: string;
  /** Until a call is given up, whatever the client does. Default 500; 10 to 60,000. */
  readonly timeoutMillis?: number;
  /** Default: OpenTelemetry's `diag`. Told when Redis goes down and when it is back, once each. */
  readonly diag?: Pick<DiagLogger, "warn">;
}

/** One Redis for all that needs it. No call hangs, none throws synchronously, and none is sent later than its deadline. */
export interface RedisConnection {
  /** `idle` until the first call has ended. */
  readonly state: RedisState;
  /** For messages, without credentials. */
  readonly where: string;
  /** One command; its key has to be the first argument. Rejects with a `LedgerStoreError`. */
  command(name: string, ...words: readonly string[]): Promise<unknown>;
  /** Runs the script by its digest, or by its text where the server does not know it. Keys of one hash slot. */
  script(script: LuaScript, keys: readonly string[], words: readonly string[]): Promise<unknown>;
  /**
   * Asks the server once, also while calls are refused because it was down: for who cannot come again later. Resolves with
   * whether it answered that it serves; it is then up for all calls. Never rejects.
   */
  isServing(): Promise<boolean>;
  /** Calls back at each change; ends with the function it returns. */
  onStateChange(listener: (state: "up" | "down") => void): () => void;
  /** Calls back when a connection was made anew: what the server keeps may be older than it was, or gone. */
  onReconnect(listener: () => void): () => void;
  /** Rejects all calls from now on. Closes what it opened. Idempotent. */
  close(): void;
}

export interface LuaScript {
  readonly name: string;
  readonly source: string;
  readonly sha1: string;
}

/** A script for {@link RedisConnection.script}. `name` is for messages. */
export function luaScript(name: string, source: string): LuaScript {
  return { name, source, sha1: createHash("sha1").update(source).digest("hex") };
}

/** Throws when the options are wrong. Opens nothing yet. */
export function connectRedis(options: RedisOptions = {}): RedisConnection {
  const { timeoutMillis = 500, diag = globalDiag } = options;
  checkTimeout(timeoutMillis);
  const transport = chooseTransport(options, timeoutMillis);
  const { where } = transport;
  const stateListeners = new Set<(state: "up" | "down") => void>();
  const reconnectListeners = new Set<() => void>();
  let connections = transport.wasReady ? 1 : 0;
  let isClosed = false;

  const breaker = createBreaker({
    onChange(state, reason) {
      if (isClosed) return;
      if (state === "down") {
        transport.reset();
        diag.warn(say(where, `does not serve: ${reason}; goes on without until it does`));
        wasDown = true;
      } else if (wasDown) diag.warn(say(where, "serves again"));
      for (const listener of stateListeners) listener(state);
    },
  });
  let wasDown = false;

  transport.onReady(() => {
    connections += 1;
    if (connections > 1 || wasDown) for (const listener of reconnectListeners) listener();
  });

  async function run(
    what: string,
    work: (deadline: Deadline) => Promise<unknown>,
    urgency?: "urgent",
  ): Promise<unknown> {
    if (isClosed) throw ledgerError("unavailable", say(where, `${what} refused: the connection has been closed`));
    const admission = breaker.enter(urgency);
    if (admission === undefined) throw ledgerError("unavailable", say(where, `${what} not tried: it is down`));
    try {
      const answer = await withDeadline(work, timeoutMillis);
      admission.succeeded();
      return answer;
    } catch (cause) {
      const { error, isServing } = redisTrouble(where, what, cause);
      if (isServing) admission.succeeded();
      else admission.failed(describe(cause));
      throw error;
    }
  }

  return {
    where,
    get state() {
      return breaker.state;
    },
    command: (name, ...words) => run(name, (deadline) => transport.send(words[0], [name, ...words], deadline)),
    script: (script, keys, words) =>
      run(script.name, async (deadline) => {
        const rest = [String(keys.length), ...keys, ...words];
        try {
          return await transport.send(keys[0], ["EVALSHA", script.sha1, ...rest], deadline);
        } catch (error) {
          if (replyCode(error) !== "NOSCRIPT") throw error;
          return transport.send(keys[0], ["EVAL", script.source, ...rest], deadline);
        }
      }),
    isServing: () =>
      run("PING", (deadline) => transport.send(undefined, ["PING"], deadline), "urgent").then(
        () => true,
        // That a user may not PING is an answer too.
        (error: unknown) => ledgerErrorReason(error) === "refused",
      ),
    onStateChange: (listener) => subscribe(stateListeners, listener),
    onReconnect: (listener) => subscribe(reconnectListeners, listener),
    close() {
      if (isClosed) return;
      isClosed = true;
      transport.close();
    },
  };
}

function chooseTransport({ client, url }: RedisOptions, timeoutMillis: number): RedisTransport {
  if (client !== undefined) {
    if (v.is(clientSchema, client)) return passedInTransport(client);
    throw wrongOption("client", "must be a client of ioredis or node-redis", typeof client);
  }
  const fromEnvironment = url === undefined;
  const name = fromEnvironment ? "REDIS_URL" : "url";
  const given = url ?? process.env["REDIS_URL"];
  if (given === undefined || given === "") {
    throw new Error('[meterbridge] [ledger] [redis] needs option "client" or "url", or the variable REDIS_URL');
  }
  // What was found is not shown: it may hold a password.
  if (!v.is(urlSchema, given))
    throw wrongOption(name, "must be a URL that begins with redis:// or rediss://", "another");
  requireIoredis();
  return openedTransport(given, timeoutMillis);
}

function checkTimeout(timeoutMillis: unknown): void {
  if (v.is(timeoutSchema, timeoutMillis)) return;
  throw wrongOption("timeoutMillis", "must be an integer from 10 to 60000", String(timeoutMillis));
}

function wrongOption(name: string, rule: string, found: string): Error {
  return new Error(`[meterbridge] [ledger] [redis] option "${name}" ${rule}, found ${found}`);
}

const timeoutSchema = v.pipe(v.number(), v.integer(), v.minValue(10), v.maxValue(60_000));
const urlSchema = v.pipe(
  v.string(),
  v.check((text) => /^rediss?:\/\/[^/]/.test(text) && URL.canParse(text)),
);
const functionSchema = v.custom<() => unknown>((value) => typeof value === "function");
const clientSchema = v.custom<RedisClient>((value) =>
  v.is(
    v.union([
      v.looseObject({ status: v.string(), call: functionSchema, connect: functionSchema, on: functionSchema }),
      v.looseObject({ isOpen: v.boolean(), isReady: v.boolean(), sendCommand: functionSchema, on: functionSchema }),
    ]),
    value,
  ),
);

/** The client's own time-outs are its owner's; a half-open server answers nothing at all. */
async function withDeadline<Answer>(
  work: (deadline: Deadline) => Promise<Answer>,
  timeoutMillis: number,
): Promise<Answer> {
  const deadline = { hasPassed: false };
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      deadline.hasPassed = true;
      reject(new Error(`no answer within ${timeoutMillis} ms`));
    }, timeoutMillis);
  });
  try {
    return await Promise.race([work(deadline), late]);
  } finally {
    clearTimeout(timer);
  }
}

function subscribe<Listener>(listeners: Set<Listener>, listener: Listener): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}
