import { setTimeout as sleep } from "node:timers/promises";
import { Router } from "express";

// The shop behind the support desk: a handbook, orders, customers, and people who review refunds. Nothing is metered here.

export interface Ticket {
  readonly id: string;
  readonly text: string;
  /** Id of the order it is about. */
  readonly order: string;
  /** The model that the customer's plan pays for. */
  readonly model: string | undefined;
}

export interface Order {
  readonly id: string;
  readonly euros: number;
}

export type Decision = "approved" | "rejected" | "expired";

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
export async function notifyCustomer({ id }: Ticket): Promise<void> {
  const response = await fetch(process.env["WEBHOOK_URL"] ?? "", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ticket: id, status: "answered" }),
    signal: AbortSignal.timeout(2_000),
  });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`the webhook was refused with ${response.status}`);
}

const secondsToDecide = 3;
const pending = new Map<string, (decision: Decision) => void>();

/** Puts the ticket before a person; when nobody decides in time it is expired. */
export function askReviewer(ticket: string): Promise<Decision> {
  return new Promise((resolve) => {
    const decide = (decision: Decision): void => {
      clearTimeout(timer);
      pending.delete(ticket);
      resolve(decision);
    };
    const timer = setTimeout(decide, secondsToDecide * 1000, "expired");
    pending.set(ticket, decide);
  });
}

/** Where people see which tickets wait for them, and decide. */
export const reviewDesk: Router = Router();

reviewDesk.get("/reviews", (_request, response) => {
  response.json([...pending.keys()]);
});

reviewDesk.post("/reviews/:ticket", (request, response) => {
  const decide = pending.get(request.params.ticket);
  decide?.(request.body.decision === "approved" ? "approved" : "rejected");
  response.sendStatus(decide === undefined ? 404 : 204);
});
