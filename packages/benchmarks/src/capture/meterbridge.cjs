// As an application has it: preloaded, with capture as it is by default.
process.env.METERBRIDGE_EXPORTERS = "prometheus";
process.env.METERBRIDGE_PROMETHEUS_PORT = "0";
process.env.METERBRIDGE_LEDGER = "off";
process.env.METERBRIDGE_LOG_LEVEL = "error";
const sdk = require("@meterbridge/node").start();

exports.counted = async () => {
  const { points = [] } = (await sdk.collect()).find(({ name }) => name === "llm.requests") ?? {};
  return points.reduce((sum, { value }) => sum + value, 0);
};
