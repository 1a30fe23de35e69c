import { setTimeout as sleep } from "node:timers/promises";
import { LLMock } from "@copilotkit/aimock";
import { createRandom } from "./random.ts";

/** What a provider would bill for one model. The demo holds the meters against it. */
export interface ModelBill {
  calls: number;
  failed: number;
  inputTokens: number;
  outputTokens: number;
}

/** The world outside the service: model providers and a customer's webhook endpoint, all on one loopback port. */
export interface ModelServer {
  /** Base address, for example `http://127.0.0.1:41585`; OpenAI is at `/v1`, Anthropic at the root. */
  readonly url: string;
  readonly webhookUrl: string;
  readonly bill: ReadonlyMap<string, Readonly<ModelBill>>;
  readonly webhooks: Readonly<{ received: number; refused: number }>;
  stop(): Promise<void>;
}

interface ModelProfile {
  readonly inputTokens: readonly [lowest: number, highest: number];
  readonly outputTokens: readonly [lowest: number, highest: number];
  readonly seconds: readonly [lowest: number, highest: number];
  /** Share of calls answered with 429 or 500. */
  readonly failing: number;
}

const profiles: Readonly<Record<string, ModelProfile>> = {
  "gpt-5": { inputTokens: [700, 2600], outputTokens: [180, 900], seconds: [0.35, 1.4], failing: 0.05 },
  "gpt-5-mini": { inputTokens: [250, 800], outputTokens: [20, 140], seconds: [0.08, 0.35], failing: 0.015 },
  "claude-sonnet-5": { inputTokens: [800, 3000], outputTokens: [200, 800], seconds: [0.3, 1.2], failing: 0.05 },
  "claude-haiku-4-5": { inputTokens: [400, 1500], outputTokens: [80, 400], seconds: [0.12, 0.5], failing: 0.02 },
  "northwind-tuned-1": { inputTokens: [300, 900], outputTokens: [60, 250], seconds: [0.1, 0.4], failing: 0.08 },
};

/** Starts a server that speaks the OpenAI and Anthropic protocols, at a provider's pace and with a provider's failures. */
export async function startModelServer(seed: number): Promise<ModelServer> {
  const random = createRandom(seed);
  const bill = new Map<string, ModelBill>();
  const webhooks = { received: 0, refused: 0 };
  const server = new LLMock({ port: 0, host: "127.0.0.1", journalMaxEntries: 1 });

  server.on({}, async ({ model }) => {
    const profile = profiles[model];
    if (profile === undefined) return { status: 404, error: { message: `no such model: ${model}` } };
    const line = billOf(model, bill);
    line.calls += 1;
    await sleep(random.between(...profile.seconds) * 1000);
    if (random.chance(profile.failing)) {
      line.failed += 1;
      return random.chance(0.6)
        ? { status: 429, error: { message: "slow down", type: "rate_limit_error" } }
        : { status: 500, error: { message: "the model is overloaded", type: "server_error" } };
    }
    const inputTokens = Math.round(random.between(...profile.inputTokens));
    const outputTokens = Math.round(random.between(...profile.outputTokens));
    line.inputTokens += inputTokens;
    line.outputTokens += outputTokens;
    return {
      content: "Your parcel left our warehouse this morning.",
      // Each protocol reads its own two names.
      usage: {
        prompt_tokens: inputTokens,
        completion_tokens: outputTokens,
        input_tokens: inputTokens,
        output_tokens: outputTokens,
      },
    };
  });

  // The service tries nothing again, and each failure is to be seen at once: the capture would else wait for the next try.
  server.mount("/v1", {
    handleRequest(_request, response) {
      response.setHeader("x-should-retry", "false");
      return Promise.resolve(false);
    },
  });

  server.mount("/webhooks", {
    async handleRequest(request, response) {
      request.resume();
      const refuse = random.chance(0.06);
      webhooks[refuse ? "refused" : "received"] += 1;
      await sleep(random.between(5, 60));
      response.writeHead(refuse ? 503 : 204).end();
      return true;
    },
  });

  const url = await server.start();
  return { url, webhookUrl: `${url}/webhooks/tickets`, bill, webhooks, stop: () => server.stop() };
}

function billOf(model: string, bill: Map<string, ModelBill>): ModelBill {
  let line = bill.get(model);
  if (line === undefined) {
    line = { calls: 0, failed: 0, inputTokens: 0, outputTokens: 0 };
    bill.set(model, line);
  }
  return line;
}
