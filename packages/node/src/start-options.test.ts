import { expect, test } from "vitest";
import { checkOptions, type StartOptions } from "./start-options.ts";

test.each([
  [{ exporters: "prometheus" }, `option "exporters" must be a list of exporters or their names, found "prometheus"`],
  [
    { exporters: [{ name: "x" }] },
    `option "exporters" must be a list of exporters or their names, found [{"name":"x"}]`,
  ],
  [{ serviceName: "" }, `option "serviceName" must be text that is not empty, found ""`],
  [{ seriesLimit: 1.5 }, `option "seriesLimit" must be a whole number from 2 to 1000000, found 1.5`],
  [
    { attributionLabels: ["user"] },
    `option "attributionLabels" must be a list of tenant, employee, project, found ["user"]`,
  ],
  [
    { instrumentations: "pg" },
    `option "instrumentations" must be a list of instrumentations or their names, found "pg"`,
  ],
  [
    { instrumentations: [{ instrumentationName: "pg" }] },
    `option "instrumentations" must be a list of instrumentations or their names, found [{"instrumentationName":"pg"}]`,
  ],
  [
    { baggageHosts: ["http://billing.internal"] },
    `option "baggageHosts" must be a list of hosts such as billing.internal, *.internal, localhost:8080, or * for every host, ` +
      `found ["http://billing.internal"]`,
  ],
  [{ traces: "zipkin" }, `option "traces" must be one of otlp, console, none, found "zipkin"`],
  [{ priceBook: {} }, `option "priceBook" must be a price book or null, found {}`],
  [
    { shutdownTimeoutMillis: 3n },
    `option "shutdownTimeoutMillis" must be a whole number of milliseconds from 1 to 3600000, found bigint`,
  ],
])("a wrong option is refused in one line: %o", (options, message) => {
  expect(() => checkOptions(options as unknown as StartOptions)).toThrow(new Error(`[meterbridge] ${message}`));
});

test("a mistyped option is refused, since it would change nothing without a word", () => {
  const options = { exporter: ["prometheus"] } as StartOptions;
  expect(() => checkOptions(options)).toThrow(/^\[meterbridge\] option "exporter" is unknown; known are exporters, /);
});

test("no options at all is no mistake, something else than an object is", () => {
  checkOptions({});
  expect(() => checkOptions(null as unknown as StartOptions)).toThrow("start() takes an object of options, found null");
});
