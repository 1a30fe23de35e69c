import { counter, upDownCounter, type MeterDefinition } from "./meter-definition.ts";

/** Recorded by `@meterbridge/ledger`, which knows nothing of this catalogue; a test holds it to it. */
export const ledgerMeters: readonly MeterDefinition[] = [
  counter("meterbridge.ledger.events", "{event}", "Usage events by what became of them", {
    outcome: ["written", "duplicate", "expired", "refused", "lost"],
  }),
  upDownCounter(
    "meterbridge.ledger.waiting",
    "{event}",
    "Usage events taken by this process that are not in the store yet",
    {},
  ),
  counter("meterbridge.ledger.spooled", "{event}", "Usage events kept on disk because the store was away", {}),
  counter("meterbridge.ledger.replayed", "{event}", "Usage events brought from disk to the store", {}),
  counter("meterbridge.ledger.fields.mended", "{field}", "Fields of usage events that could not be kept as given", {
    field: "string",
  }),
  counter("meterbridge.ledger.failures", "{failure}", "Operations of the ledger's parts that failed", {
    part: ["store", "spool"],
  }),
];
