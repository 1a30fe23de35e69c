import { counter, observableGauge, optionalText, text, type MeterDefinition } from "./meter-definition.ts";

const scope = {
  budget: text,
  tenant: optionalText,
  employee: optionalText,
  project: optionalText,
  model: optionalText,
};

/** Recorded by `@meterbridge/ledger`, which knows nothing of this catalogue; a test holds it to it. */
export const budgetMeters: readonly MeterDefinition[] = [
  observableGauge(
    "meterbridge.budget.used",
    "1",
    "Share of the limit that is spent or reserved, above 1 when overdrawn; of the 200 fullest budgets",
    scope,
  ),
  observableGauge(
    "meterbridge.budget.remaining",
    "s",
    "Time until the budget's window ends; of the same budgets",
    scope,
  ),
  counter("meterbridge.budget.reservations", "{reservation}", "Reservations against a budget, by how they went", {
    budget: text,
    outcome: ["granted", "soft", "refused", "failed_open", "failed_closed", "local_share", "expired"],
  }),
];
