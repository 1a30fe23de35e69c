// The app around the model calls: request ids and tenants, a log, health, and the usage API.
//
//     METERBRIDGE_EXPORTERS=prometheus node --import @meterbridge/node/register server.ts
import { llm } from "@meterbridge/core";
import { health, orderlyShutdown, usageApi } from "@meterbridge/http";
import { requests } from "@meterbridge/http/express";
import { createLogger } from "@meterbridge/http/logs";
import express from "express";

const app = express();
app.use(
  requests({
    logger: createLogger({ name: "shop" }),
    // Yours to say: from a session, or the claims of a token that was checked.
    attribution: ({ headersDistinct }) => ({ tenant: headersDistinct["x-tenant"]?.[0] }),
  }),
);
const state = health();
app.use("/health", state.handler);
app.use("/api/v1/metrics", usageApi().handler);

app.post("/orders/:id/answer", (request, response) => {
  llm.record({ provider: "openai", model: "gpt-5", inputTokens: 812, outputTokens: 164, duration: 0.93 });
  response.json({ order: request.params.id });
});

orderlyShutdown({ servers: [app.listen(3000, "127.0.0.1")], health: state });
