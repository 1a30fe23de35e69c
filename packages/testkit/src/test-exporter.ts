import { describe } from "vitest";
import { testCreation } from "./creation-contract.ts";
import { testDelivery } from "./delivery-contract.ts";
import { testEnd } from "./end-contract.ts";
import type { ExporterBackend, ExporterHarness } from "./exporter-harness.ts";
import { testTrouble } from "./trouble-contract.ts";

/**
 * The contract of an exporter, as tests of Vitest: one that passes can be run in production. Call it at the top of a test file. It takes a
 * backend that speaks what the real one speaks; {@link httpBackend} is one for whatever is sent over HTTP, with all ways of going wrong.
 *
 * @param name Of the exporter, as it stands in the names of the tests.
 */
export function testExporter<Backend extends ExporterBackend>(name: string, harness: ExporterHarness<Backend>): void {
  describe(`the exporter ${name}`, () => {
    describe("before it is started", () => {
      testCreation(harness);
    });
    describe("delivers", () => {
      testDelivery(harness);
    });
    describe("in trouble", () => {
      testTrouble(harness);
    });
    describe("at its end", () => {
      testEnd(harness);
    });
  });
}
