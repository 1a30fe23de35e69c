// Spans only, ended into an exporter that keeps a number of them: it has no metrics.
const { createRequire } = require("node:module");
const { join } = require("node:path");
const requireOlder = createRequire(join(__dirname, "../../../../test/otel-2/"));
const { OpenAIInstrumentation } = requireOlder("@traceloop/instrumentation-openai");
const { BasicTracerProvider, SimpleSpanProcessor } = requireOlder("@opentelemetry/sdk-trace-base");

let spans = 0;
const exporter = { export: (batch, done) => ((spans += batch.length), done({ code: 0 })), shutdown: async () => {} };
const instrumentation = new OpenAIInstrumentation({ traceContent: false });
instrumentation.setTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }));
exports.counted = async () => spans;
