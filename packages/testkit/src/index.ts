export { ledgerRow, usageEvent, type UsageEvent } from "./builders.ts";
export {
  type ContractKind,
  type ContractMeter,
  type ExporterBackend,
  type ExporterHarness,
  type Fault,
  faults as exporterFaults,
  type Reading,
} from "./exporter-harness.ts";
export type { Extra, LedgerStoreHarness, StoreUnderTest } from "./harness.ts";
export { httpBackend, type HttpBackend, type HttpBackendOptions, type HttpRequest } from "./http-backend.ts";
export { memoryStore, type MemoryStore } from "./memory-store.ts";
export { receivedSeries, type ReceivedPoint, type ReceivedSeries } from "./received-series.ts";
export { testExporter } from "./test-exporter.ts";
export { testLedgerStore } from "./test-ledger-store.ts";
export { testParity, type ParityMember } from "./test-parity.ts";
