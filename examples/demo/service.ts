/**
 * A support desk that answers with AI models, counted in business terms: who asked, what it cost, how it ended.
 *
 * Note what is not here: no exporter, no metrics backend, no OpenTelemetry. Those are chosen from outside, at start:
 *
 *     METERBRIDGE_EXPORTERS=prometheus,otlp node --import @meterbridge/node/register service.ts
 */
import { randomUUID } from "node:crypto";
import Anthropic from "@anthropic-ai/sdk";
import {
  agent,
  checkpoint,
  defineMeters,
  http,
  llm,
  rag,
  type Run,
  session,
  type Session,
  task,
  tool,
  users,
  webhook,
  withAttribution,
  workflow,
} from "@meterbridge/core";
import express, { type NextFunction, type Request, type Response } from "express";
import OpenAI from "openai";
import { askReviewer, decideReview, findOrder, type Order, pendingReviews, postJson, searchHandbook } from "./shop.ts";

const openai = new OpenAI({ maxRetries: 0 });
const anthropic = new Anthropic({ maxRetries: 0 });

// The desk's own meters. The types know each attribute and its values.
const desk = defineMeters({
  tickets: {
    name: "support.tickets",
    instrument: "counter",
    unit: "{ticket}",
    description: "Tickets by the channel they came in on",
    attributes: { channel: ["chat", "email", "phone"] },
  },
  refunds: {
    name: "support.refund.amount",
    instrument: "histogram",
    unit: "EUR",
    description: "Money paid back",
    attributes: {},
    buckets: [10, 25, 50, 100, 150, 250],
  },
});

const app = express();
app.use((request, response, next) => {
  const served = http.start({ method: request.method });
  response.once("close", () => served.end({ status: response.statusCode, route: request.route?.path }));
  next();
});
app.use(express.json());

// People at the desk review large refunds.
app.get("/reviews", (_request, response) => void response.json(pendingReviews()));
app.post("/reviews/:ticket", (request, response) => {
  response.sendStatus(decideReview(request.params.ticket, request.body.decision) ? 204 : 404);
});

// All that is recorded below is counted for this tenant. The user is counted too, but never becomes a label.
app.use((request, response, next) => {
  const tenant = request.get("x-tenant");
  const user = request.get("x-user");
  if (!tenant || !user) return void response.status(401).json({ error: "say who asks in x-tenant and x-user" });
  users.seen(user);
  withAttribution({ tenant, user }, next);
});

const sessions = new Map<string, Session>();
app.post("/sessions", (_request, response) => {
  const id = randomUUID();
  sessions.set(id, session.start());
  response.status(201).json({ id });
});
app.delete("/sessions/:id", (request, response) => {
  sessions.get(request.params.id)?.end();
  sessions.delete(request.params.id);
  response.sendStatus(204);
});

app.post("/tickets", async (request, response) => {
  const { text, order, channel } = request.body;
  if (typeof text !== "string") return void response.status(400).json({ error: "a ticket needs a text" });
  const ticket = { id: randomUUID(), text, order, model: modelOf(request.get("x-tenant")) };
  desk.tickets.add(1, { channel });
  response.json(
    await task.measure("ticket", () => workflow.measure("support-ticket", (run) => handleTicket(ticket, run))),
  );
});

app.use((error: Error, _request: Request, response: Response, _next: NextFunction) => {
  response.status("expose" in error && error.expose ? 400 : 502).json({ error: error.message });
});

interface Ticket {
  readonly id: string;
  readonly text: string;
  readonly order: string;
  readonly model: string;
}

async function handleTicket(ticket: Ticket, run: Run): Promise<{ outcome: string; reply?: string }> {
  const passages = await rag.measure("handbook", () => searchHandbook(ticket.text));
  const { order, reply } = await resolve(ticket, passages);

  if (ticket.text.includes("refund") && order !== undefined) {
    if (order.euros > 100) {
      checkpoint.created("large-refund");
      const decision = await askReviewer(ticket.id);
      checkpoint.decided("large-refund", decision);
      if (decision !== "approved") {
        run.cancel();
        return { outcome: decision };
      }
    }
    desk.refunds.record(order.euros);
  }

  const tell = webhook.measure("ticket-answered", () => postJson(process.env["WEBHOOK_URL"] ?? "", { id: ticket.id }));
  await tell.catch(() => {}); // A customer's endpoint that is down does not spoil the answer.
  return { outcome: "answered", reply };
}

function resolve(ticket: Ticket, passages: readonly string[]): Promise<{ order: Order | undefined; reply: string }> {
  return agent.measure("resolver", async (resolver) => {
    const plan = await resolver.measureNode("plan", () => ask("gpt-5-mini", `What is asked here? ${ticket.text}`));
    const order = await tool.measure("order-lookup", () => findOrder(ticket.order)).catch(() => undefined);
    const prompt = [plan, ...passages, JSON.stringify(order), ticket.text].join("\n");
    return { order, reply: await resolver.measureNode("write", () => ask(ticket.model, prompt)) };
  });
}

async function ask(model: string, content: string): Promise<string> {
  const messages = [{ role: "user", content }] as const;
  if (model.startsWith("claude")) {
    const message = await llm.measure({ provider: "anthropic", model }, () =>
      anthropic.messages.create({ model, max_tokens: 1024, messages: [...messages] }),
    );
    return message.content.map((block) => (block.type === "text" ? block.text : "")).join("");
  }
  const completion = await llm.measure({ provider: "openai", model }, () =>
    openai.chat.completions.create({ model, messages: [...messages] }),
  );
  return completion.choices[0]?.message.content ?? "";
}

function modelOf(tenant = ""): string {
  return { acme: "claude-sonnet-5", globex: "gpt-5", northwind: "northwind-tuned-1" }[tenant] ?? "claude-haiku-4-5";
}

const server = app.listen(Number(process.env["PORT"] ?? 3000), "127.0.0.1", () => {
  const address = server.address();
  if (address !== null && typeof address === "object") console.log(`listening on http://127.0.0.1:${address.port}`);
});
