import { setTimeout as sleep } from "node:timers/promises";

// The shop behind the support desk: a handbook, orders, and the people who review large refunds. Nothing is metered here.

export type Decision = "approved" | "rejected" | "expired";

export interface Order {
  readonly id: string;
  readonly euros: number;
}

const handbook: readonly string[] = [
  "A parcel takes two working days within the country.",
  "A late parcel is refunded in part after five working days.",
  "A damaged item is refunded in full.",
  "A password is reset from the sign-in page.",
  "An invoice is sent on the first of the month.",
];

/** The passages of the handbook that share a word with the question. */
export async function searchHandbook(question: string): Promise<readonly string[]> {
  await sleep(4);
  const words = question.toLowerCase().match(/[a-z]{4,}/g) ?? [];
  return handbook.filter((passage) => words.some((word) => passage.toLowerCase().includes(word)));
}

/** Looks an order up; throws when there is none of this id. */
export async function findOrder(id: string): Promise<Order> {
  await sleep(9);
  const number = Number(/^order-(\d+)$/.exec(id)?.[1]);
  if (!(number < 900)) throw new Error(`no order ${id}`);
  return { id, euros: 5 + ((number * 37) % 240) };
}

/** Tells the customer's system by webhook; throws when it does not accept. */
export async function postJson(url: string, body: unknown): Promise<void> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(2_000),
  });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`the webhook was refused with ${response.status}`);
}

const reviews = new Map<string, (decision: Decision) => void>();

/** Asks a person; nobody decides within `seconds`: expired. */
export function askReviewer(ticket: string, seconds = 3): Promise<Decision> {
  return new Promise((resolve) => {
    const decide = (decision: Decision): void => {
      clearTimeout(timer);
      reviews.delete(ticket);
      resolve(decision);
    };
    const timer = setTimeout(decide, seconds * 1000, "expired");
    reviews.set(ticket, decide);
  });
}

export function pendingReviews(): readonly string[] {
  return [...reviews.keys()];
}

/** Hands a person's decision to whoever waits for it; false when nobody does. */
export function decideReview(ticket: string, decision: Decision): boolean {
  const decide = reviews.get(ticket);
  decide?.(decision);
  return decide !== undefined;
}
