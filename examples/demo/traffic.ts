import { setTimeout as sleep } from "node:timers/promises";
import * as v from "valibot";
import { createRandom, type Random } from "./random.ts";

/** What the traffic sent and what came back: the truth that the meters are held against. */
export interface TrafficCounts {
  requests: number;
  readonly byStatus: Map<number, number>;
  /** How tickets ended: answered, rejected, expired, failed. */
  readonly byOutcome: Map<string, number>;
  readonly byTenant: Map<string, number>;
  readonly users: Set<string>;
  openSessions: number;
}

export interface Traffic {
  readonly counts: Readonly<TrafficCounts>;
  /** Sends nothing new and waits until everything on its way has been answered. */
  stop(): Promise<void>;
}

export interface TrafficOptions {
  /** Base address of the service. */
  readonly url: string;
  readonly ticketsPerSecond: number;
  readonly seed: number;
}

interface Customer {
  readonly tenant: string;
  readonly user: string;
  sessionPath?: string;
}

type Send = (method: string, path: string, options?: { body?: unknown; customer?: Customer }) => Promise<unknown>;

const tenants = [
  { name: "acme", users: 12, share: 2 },
  { name: "globex", users: 8, share: 2 },
  { name: "initech", users: 6, share: 2 },
  { name: "northwind", users: 4, share: 3 },
] as const;

const questions = [
  "Where is my parcel?",
  "My item came damaged, I want a refund",
  "The parcel is late, I want a refund",
  "How do I reset my password?",
  "When do I get my invoice?",
] as const;

const answerSchema = v.object({ outcome: v.string() });
const sessionSchema = v.object({ id: v.string() });
const reviewsSchema = v.array(v.string());

/** Sends tickets at a steady pace as many customers of several tenants, and plays the person who reviews refunds. */
export function startTraffic({ url, ticketsPerSecond, seed }: TrafficOptions): Traffic {
  const random = createRandom(seed);
  const customers = createCustomers();
  const counts: TrafficCounts = {
    requests: 0,
    byStatus: new Map(),
    byOutcome: new Map(),
    byTenant: new Map(),
    users: new Set(),
    openSessions: 0,
  };
  const stopping = new AbortController();
  const underWay = new Set<Promise<void>>();

  const send: Send = async (method, path, { body, customer } = {}) => {
    counts.requests += 1;
    if (customer !== undefined) {
      increase(counts.byTenant, customer.tenant);
      counts.users.add(customer.user);
    }
    const response = await fetch(new URL(path, url), {
      method,
      headers: {
        "content-type": "application/json",
        ...(customer && { "x-tenant": customer.tenant, "x-user": customer.user }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(15_000),
    });
    increase(counts.byStatus, response.status);
    const text = await response.text();
    return text === "" || !response.ok ? undefined : JSON.parse(text);
  };

  const arrivals = repeat(
    () => (-Math.log(1 - random.next()) / ticketsPerSecond) * 1000,
    stopping.signal,
    () => {
      const visit = visitDesk(send, random.pick(customers), random, counts)
        // The service is gone: whoever watches its process tells why.
        .catch(() => {})
        .finally(() => underWay.delete(visit));
      underWay.add(visit);
    },
  );

  const closing = new AbortController();
  const overlooked = new Set<string>();
  const reviews = repeat(
    () => 500,
    closing.signal,
    () => reviewRefunds(send, random, overlooked).catch(() => {}),
  );

  return {
    counts,
    async stop() {
      stopping.abort();
      await arrivals;
      await Promise.all(underWay);
      closing.abort();
      await reviews;
    },
  };
}

/** One customer's visit: signs in when not yet, asks, and sometimes leaves. A few do it wrong. */
async function visitDesk(send: Send, customer: Customer, random: Random, counts: TrafficCounts): Promise<void> {
  if (random.chance(0.03)) {
    await send("POST", "/tickets", { body: { text: "Who am I?" } });
    return;
  }
  if (customer.sessionPath === undefined) {
    customer.sessionPath = "";
    const { id } = v.parse(sessionSchema, await send("POST", "/sessions", { customer }));
    customer.sessionPath = `/sessions/${id}`;
    counts.openSessions += 1;
  }
  const body = random.chance(0.03)
    ? { channel: "chat" }
    : {
        text: random.pick(questions),
        // One order in ten does not exist.
        order: `order-${Math.floor(random.next() * 1000)}`,
        channel: random.pick(["chat", "chat", "email", "phone"]),
      };
  const answer = v.safeParse(answerSchema, await send("POST", "/tickets", { body, customer }));
  if (body.text !== undefined) increase(counts.byOutcome, answer.success ? answer.output.outcome : "failed");
  if (customer.sessionPath && random.chance(0.25)) {
    const path = customer.sessionPath;
    delete customer.sessionPath;
    await send("DELETE", path, { customer });
    counts.openSessions -= 1;
  }
}

/** Approves most refunds, rejects some, and overlooks some, which expire. */
async function reviewRefunds(send: Send, random: Random, overlooked: Set<string>): Promise<void> {
  for (const ticket of v.parse(reviewsSchema, await send("GET", "/reviews"))) {
    if (random.chance(0.2)) overlooked.add(ticket);
    if (overlooked.has(ticket)) continue;
    await send("POST", `/reviews/${ticket}`, { body: { decision: random.chance(0.75) ? "approved" : "rejected" } });
  }
}

/** Calls `action` again and again, each time after a pause of so many milliseconds, until the signal. */
async function repeat(pause: () => number, until: AbortSignal, action: () => void | Promise<void>): Promise<void> {
  while (!until.aborted) {
    await sleep(pause(), undefined, { signal: until }).catch(() => {});
    if (!until.aborted) await action();
  }
}

function createCustomers(): [Customer, ...Customer[]] {
  const customers = tenants.flatMap(({ name, users, share }) =>
    Array.from({ length: users }, (_, index) => ({ tenant: name, user: `${name}-${index + 1}` })).flatMap((customer) =>
      Array.from({ length: share }, () => customer),
    ),
  );
  const [first, ...others] = customers;
  if (first === undefined) throw new Error("there are no tenants");
  return [first, ...others];
}

function increase<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
