/**
 * A support desk that answers with AI models, counted in business terms: who asked, what it cost, how it ended.
 *
 * Note what is not here: nothing that counts model calls, which are captured, and no exporter, no metrics backend, no
 * OpenTelemetry. Those are chosen from outside, at start:
 *
 *     METERBRIDGE_EXPORTERS=prometheus,otlp node --import @meterbridge/node/register service.ts
 */
import { randomUUID } from "node:crypto";
import Anthropic from "@anthropic-ai/sdk";
import {
  agent,
  checkpoint,
  defineMeters,
  rag,
  type Run,
  session,
  task,
  tool,
  users,
  webhook,
  workflow,
} from "@meterbridge/core";
import { health, orderlyShutdown, usageApi } from "@meterbridge/http";
import { requestErrors, requests } from "@meterbridge/http/express";
import { createLogger } from "@meterbridge/http/logs";
import express, { type NextFunction, type Request, type Response } from "express";
import OpenAI from "openai";
import { askReviewer, findOrder, notifyCustomer, reviewDesk, searchHandbook, type Ticket } from "./shop.ts";

const openai = new OpenAI({ maxRetries: 0 });
const anthropic = new Anthropic({ maxRetries: 0 });
const models = new Map([
  ["acme", "claude-sonnet-5"],
  ["globex", "gpt-5"],
  ["northwind", "northwind-tuned-1"],
]);

// Meters of the desk's own. TypeScript knows their attributes and which values are allowed.
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
    description: "Money paid back on one ticket",
    attributes: {},
    buckets: [10, 25, 50, 100, 150, 250],
  },
});

const log = createLogger({ name: "support-desk", destination: process.env["LOG_FILE"] ?? process.stdout });
const state = health({ starting: true });

const app = express();
// Whatever is recorded and logged below is this tenant's. The user is counted too, but is never a label. (A real service would
// read both from a token that it has checked.)
app.use(
  requests({
    logger: log,
    skip: ["/health"],
    attribution: ({ headersDistinct }) => ({
      tenant: headersDistinct["x-tenant"]?.[0],
      user: headersDistinct["x-user"]?.[0],
    }),
  }),
);
app.use("/health", state.handler);
app.use("/api/v1/metrics", usageApi().handler);
app.use(express.json());
app.use(reviewDesk);

app.use((request, response, next) => {
  const user = request.get("x-user");
  if (!request.get("x-tenant") || !user) {
    return void response.status(401).json({ error: "say who asks, in x-tenant and x-user" });
  }
  users.seen(user);
  next();
});

const sessions = new Map<string, { end(): void }>();
app.post("/sessions", (_request, response) => {
  const id = randomUUID();
  sessions.set(id, session.start());
  response.status(201).json({ id });
});
app.delete("/sessions/:id", (request, response) => {
  sessions.get(request.params.id)?.end();
  response.sendStatus(sessions.delete(request.params.id) ? 204 : 404);
});

app.post("/tickets", async (request, response) => {
  const { text, order, channel } = request.body;
  if (typeof text !== "string") return void response.status(400).json({ error: "a ticket needs a text" });
  desk.tickets.add(1, { channel });
  const ticket = { id: randomUUID(), text, order, model: models.get(request.get("x-tenant") ?? "") };
  response.json(await task.measure("ticket", () => workflow.measure("support-ticket", (run) => handle(ticket, run))));
});

app.use(requestErrors());
app.use((error: Error, _request: Request, response: Response, _next: NextFunction) => {
  response.status("expose" in error && error.expose ? 400 : 502).json({ error: error.message });
});

async function handle(ticket: Ticket, run: Run): Promise<{ outcome: string; reply?: string }> {
  const passages = await rag.measure("handbook", () => searchHandbook(ticket.text));

  const { order, reply } = await agent.measure("resolver", async (resolver) => {
    const plan = await resolver.measureNode("plan", () => ask("gpt-5-mini", `What is asked here? ${ticket.text}`));
    const found = await tool.measure("order-lookup", () => findOrder(ticket.order)).catch(() => undefined);
    const prompt = [plan, ...passages, JSON.stringify(found), ticket.text].join("\n");
    return { order: found, reply: await resolver.measureNode("write", () => textOf(write(ticket.model, prompt))) };
  });

  if (order !== undefined && ticket.text.includes("refund")) {
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

  // A customer's endpoint that is down does not spoil the answer.
  await webhook
    .measure("ticket-answered", () => notifyCustomer(ticket))
    .catch((error: unknown) => log.warn({ err: error }, "the customer was not told"));
  return { outcome: "answered", reply };
}

// Nothing below counts a model call, its tokens or its cost: the clients go through `fetch`, where they are captured.

async function ask(model: string, content: string): Promise<string> {
  const completion = await openai.chat.completions.create({ model, messages: [{ role: "user", content }] });
  return completion.choices[0]?.message.content ?? "";
}

/** The answer as it is written. */
async function* write(model = "claude-haiku-4-5", content: string): AsyncGenerator<string> {
  const messages = [{ role: "user" as const, content }];
  if (model.startsWith("claude")) {
    for await (const event of await anthropic.messages.create({ model, max_tokens: 1024, messages, stream: true })) {
      if (event.type === "content_block_delta" && event.delta.type === "text_delta") yield event.delta.text;
    }
    return;
  }
  for await (const { choices } of await openai.chat.completions.create({ model, messages, stream: true })) {
    yield choices[0]?.delta.content ?? "";
  }
}

async function textOf(parts: AsyncIterable<string>): Promise<string> {
  let text = "";
  for await (const part of parts) text += part;
  return text;
}

const server = app.listen(Number(process.env["PORT"] ?? 3000), "127.0.0.1", () => {
  const address = server.address();
  if (address !== null && typeof address === "object") console.log(`listening on http://127.0.0.1:${address.port}`);
  state.started();
});
orderlyShutdown({ servers: [server], health: state, timeoutMillis: 5_000 });
