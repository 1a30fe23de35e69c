// Started as a process of its own: an application that logs to stdout all that comes to it, as applications in trouble do.
import { context } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import express from "express";
import { requestErrors, requests } from "../../src/express.ts";
import { createLogger } from "../../src/logs.ts";

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
const logger = createLogger({ name: "shop", level: "debug" });
const app = express();
app.set("env", "test");
app.use(
  requests({
    logger,
    attribution: (request) => {
      const claims = String(request.headers["authorization"]).split(".")[1] ?? "";
      return JSON.parse(Buffer.from(claims, "base64url").toString() || "{}") as { tenant?: string };
    },
  }),
);
app.use(express.json());
app.post("/login", (request, response) => {
  const log = logger.child({ module: "login", headers: request.headers });
  log.info(
    { request, body: request.body as unknown, query: request.query },
    "asked by %s",
    request.headers.authorization,
  );
  log.info(`called with ${request.originalUrl} and ${JSON.stringify(request.headers)}`);
  response.json({});
});
app.get("/fails", (request) => {
  throw new Error(`no answer from https://user:canary-password@bank${request.originalUrl}`);
});
app.use(requestErrors());
app.use((_error: unknown, _request: express.Request, response: express.Response, _next: express.NextFunction) => {
  response.status(500).end();
});
const server = app.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (typeof address === "object") logger.info({ port: address?.port }, "listening");
});
process.on("SIGTERM", () => {
  server.close();
  server.closeAllConnections();
});
