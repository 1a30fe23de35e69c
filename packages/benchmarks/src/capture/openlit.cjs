// As its README says, but without content, and with its price list given: it would fetch that from the network.
const { createRequire } = require("node:module");
const { join } = require("node:path");
const requireOlder = createRequire(join(__dirname, "../../../../test/otel-2/"));
const { Openlit } = requireOlder("openlit");

Openlit.init({
  otlpEndpoint: "http://127.0.0.1:9",
  captureMessageContent: false,
  disableEvents: true,
  pricingJson: { chat: { "gpt-5": { promptPrice: 0.00125, completionPrice: 0.01 } } },
});
