// One peer at one cell: node client.cjs PEER CELL PORT. Prints one line of JSON: { value, counted? }.
const { join } = require("node:path");

const [peer, cell, port] = process.argv.slice(2);
const peers = {
  bare: () => ({}),
  meterbridge: () => require("./meterbridge.cjs"),
  "floor-no-capture"() {
    process.env.METERBRIDGE_CAPTURE = "none";
    return require("./meterbridge.cjs");
  },
  "floor-calc-price": () => ({}),
  "otel-openai": () => require("./otel-openai.cjs"),
  openllmetry: () => require("./openllmetry.cjs"),
  openlit: () => require("./openlit.cjs"),
};
const { counted } = peers[peer]();
const readyAfter = performance.now();
// Those of the older OpenTelemetry patch the copy that they find beside them.
const home = ["openllmetry", "openlit"].includes(peer) ? join(__dirname, "../../../../test/otel-2/") : `${__dirname}/`;
const OpenAI = require("node:module").createRequire(home)("openai").default;

const client = new OpenAI({ apiKey: "none", baseURL: `http://127.0.0.1:${port}/v1`, maxRetries: 0 });
const messages = [{ role: "user", content: "Where is my parcel? ".repeat(200) }];

const plain = () => client.chat.completions.create({ model: "gpt-5", messages });

/** Reads a stream to its end; with `asked`, the caller asks for usage itself. */
async function stream(model, asked, chunkSeen = () => {}) {
  const options = asked ? { stream_options: { include_usage: true } } : {};
  const chunks = await client.chat.completions.create({ model, messages, stream: true, ...options });
  let characters = 0;
  for await (const chunk of chunks) {
    chunkSeen();
    characters += chunk.choices[0]?.delta.content?.length ?? 0;
  }
  return characters;
}

/** Processor time of `work`, in µs. */
async function processorTime(work) {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

function median(values) {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[sorted.length >> 1];
}

async function repeated(times, warmUps, measure) {
  const values = [];
  for (let index = 0; index < times + warmUps; index++) {
    const value = await measure();
    if (index >= warmUps) values.push(value);
  }
  return median(values);
}

/** Prices the same models again and again; nanoseconds for one. */
async function priceRepeatedly() {
  const { calcPrice } = require("node:module").createRequire(require.resolve("@meterbridge/genai"))(
    "@pydantic/genai-prices",
  );
  const { price } = require("@meterbridge/genai").genaiPrices();
  const models = ["gpt-5", "gpt-5-mini", "o3", "gpt-4o"];
  const occurredAt = new Date();
  const ours = (model, outputTokens) =>
    price({
      provider: "openai",
      model,
      inputTokens: 1200,
      outputTokens,
      cacheReadTokens: 1024,
      cacheWriteTokens: 0,
      reasoningTokens: 64,
      occurredAt,
    });
  const theirs = (model, outputTokens) =>
    calcPrice({ input_tokens: 1200, output_tokens: outputTokens, cache_read_tokens: 1024 }, model, {
      providerId: "openai",
      timestamp: occurredAt,
    });
  const priceOf = peer === "meterbridge" ? ours : theirs;
  const times = peer === "meterbridge" ? 200_000 : 4000;
  return repeated(5, 3, async () => {
    const begun = performance.now();
    let priced = 0;
    for (let call = 0; call < times; call++) if (priceOf(models[call & 3], call & 1023) !== null) priced++;
    if (priced !== times) throw new Error("a model was not priced");
    return ((performance.now() - begun) * 1e6) / times;
  });
}

const measures = {
  start: () => Promise.resolve(readyAfter),
  price: priceRepeatedly,
  plain: () =>
    repeated(5, 2, async () => {
      const time = await processorTime(async () => {
        for (let call = 0; call < 100; call++) await plain();
      });
      return time / 100;
    }),
  "first-chunk": () =>
    repeated(200, 50, async () => {
      const begun = performance.now();
      let first;
      await stream("burst-3", false, () => (first ??= performance.now() - begun));
      return first * 1000;
    }),
  "stream-burst": (asked) =>
    repeated(7, 2, async () => (await processorTime(() => stream("burst-10000", asked))) / 1000),
  "stream-paced": (asked) =>
    repeated(3, 1, async () => (await processorTime(() => stream("paced-10000", asked))) / 1000),
  async memory() {
    await stream("burst-1000", false);
    let most = 0;
    let chunks = 0;
    let least = Infinity;
    await stream("burst-100000", false, () => {
      if (++chunks % 10_000 !== 0) return;
      globalThis.gc();
      const { heapUsed, external } = process.memoryUsage();
      const used = heapUsed + external;
      // What the first pieces have allocated once and for all is no growth.
      if (chunks <= 20_000) least = Math.min(least, used);
      most = Math.max(most, used);
    });
    return (most - least) / 1024;
  },
};

const [name, asked] = cell.split("/");
void measures[name](asked === "asked").then(async (value) => {
  console.log(JSON.stringify({ value, ...(counted !== undefined && { counted: await counted() }) }));
  process.exit();
});
