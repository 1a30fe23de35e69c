import { runningSdk } from "../running-sdk.ts";
import type { CheckReport } from "./health-check.ts";

/**
 * How the SDK of this process is doing: `exporters`, `ledger`, whichever there is. It costs nothing to ask, and they tell their
 * trouble on diag themselves. None is required: an exporter that fails is no reason to serve nobody.
 */
export function sdkReports(): Record<string, CheckReport> {
  const sdk = runningSdk();
  if (sdk === undefined) return {};
  const failing = sdk.exporters.filter((exporter) => exporter.isFailing?.() === true).map(({ name }) => name);
  const ledger = sdk.ledgerStatus();
  return {
    ...(sdk.exporters.length === 0 ? {} : { exporters: reportOf(failing.join(",")) }),
    // What the store does not take waits in the spool.
    ...(ledger === undefined ? {} : { ledger: reportOf(/^(?:down|closed)$/.exec(ledger.state)?.[0] ?? "") }),
  };
}

/** Degraded for the reason given, healthy for none. */
function reportOf(reason: string): CheckReport {
  const known = { required: false, durationMillis: 0 };
  return reason === "" ? { status: "healthy", ...known } : { status: "degraded", ...known, reason };
}
