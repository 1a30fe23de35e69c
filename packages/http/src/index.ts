export type { Answer, Mountable } from "./mountable.ts";
export type { LedgerReading, MeterPoint, MeterReading, RunningExporter, RunningSdk } from "./running-sdk.ts";
