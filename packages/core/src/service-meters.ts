import { databaseSeconds, documents, jobSeconds, requestSeconds } from "./buckets.ts";
import {
  counter,
  histogram,
  observableGauge,
  observableUpDownCounter,
  optionalText,
  text,
  upDownCounter,
  type MeterDefinition,
} from "./meter-definition.ts";
import { database, errorType, http, httpMethods } from "./semconv.ts";
import { decisions, runStatuses as status } from "./vocabulary.ts";

/** The service around the model calls: checkpoints, webhooks, users, sessions, retrieval, requests, databases. */
export const serviceMeters: readonly MeterDefinition[] = [
  // Checkpoints, webhooks, users, sessions, retrieval.
  counter("checkpoint.created", "{checkpoint}", "Checkpoints put before a person", { checkpoint: optionalText }),
  counter("checkpoint.decided", "{checkpoint}", "Checkpoints decided", {
    checkpoint: optionalText,
    decision: decisions,
  }),
  counter("webhook.sent", "{request}", "Webhooks sent, by how it ended", { webhook: optionalText, status }),
  histogram(
    "webhook.duration",
    "s",
    "Duration of sending a webhook",
    { webhook: optionalText, status },
    requestSeconds,
  ),
  observableGauge("user.active", "{user}", "Distinct users seen in the window", { window: ["5m", "1h", "1d"] }),
  counter("session.created", "{session}", "Sessions begun", {}),
  upDownCounter("session.active", "{session}", "Sessions in progress", {}),
  histogram("session.duration", "s", "Duration of a session", {}, jobSeconds),
  counter("rag.retrievals", "{retrieval}", "Retrievals that ended, by how", { index: text, status }),
  histogram("rag.retrieval.duration", "s", "Duration of a retrieval", { index: text, status }, requestSeconds),
  histogram(
    "rag.retrieval.documents",
    "{document}",
    "Documents found by one retrieval",
    { index: text, status },
    documents,
  ),
  // Requests and databases, by the stable conventions.
  histogram(
    "http.server.request.duration",
    "s",
    "Duration of HTTP server requests",
    {
      [http.method]: httpMethods,
      [http.scheme]: ["http", "https"],
      [http.route]: optionalText,
      [http.status]: { kind: "number", optional: true },
      [errorType]: optionalText,
    },
    requestSeconds,
  ),
  observableUpDownCounter("http.server.active_requests", "{request}", "HTTP server requests in progress", {
    [http.method]: httpMethods,
    [http.scheme]: ["http", "https"],
  }),
  histogram(
    "http.client.request.duration",
    "s",
    "Duration of HTTP client requests",
    {
      [http.method]: httpMethods,
      [http.serverAddress]: text,
      [http.serverPort]: "number",
      [http.status]: { kind: "number", optional: true },
      [errorType]: optionalText,
    },
    requestSeconds,
  ),
  histogram(
    "db.client.operation.duration",
    "s",
    "Duration of database client operations",
    {
      [database.system]: text,
      [database.operation]: optionalText,
      [database.collection]: optionalText,
      [errorType]: optionalText,
    },
    databaseSeconds,
  ),
];
