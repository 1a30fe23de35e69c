import { context } from "@opentelemetry/api";
import type { LlmEnding } from "@meterbridge/core";
import { networkErrorType } from "../fetch/error-types.ts";
import { beginAdapterCall, type AdapterCall } from "./adapter-call.ts";
import { invocationReader, type InvocationReader } from "./bedrock-answer.ts";
import { quietly } from "./quietly.ts";
import { observeIterable } from "./observed-iterable.ts";

/** `BedrockRuntimeClient` of `@aws-sdk/client-bedrock-runtime`, as far as it is needed. */
export interface BedrockClient {
  readonly middlewareStack: { add(...parameters: never[]): void };
}

/**
 * Meters the model calls of a Bedrock client: `Converse`, `ConverseStream`, `InvokeModel` and `InvokeModelWithResponseStream`. The client speaks HTTP by
 * Node.js's own modules, where no capture of `fetch` sees it; it is metered through its public middleware stack. The same client is returned, and
 * its results are its own.
 */
export function meterBedrock<Client extends BedrockClient>(client: Client): Client {
  addMeter(client, () => true);
  return client;
}

/** Meters what the client sends while `isOn`. */
export function addMeter(client: BedrockClient, isOn: () => boolean): void {
  const add = client.middlewareStack.add.bind(client.middlewareStack) as (
    middleware: Middleware,
    options: { readonly step: "initialize"; readonly name: string; readonly override: boolean },
  ) => void;
  // The outermost step: what it sees has been tried again as often as the client does.
  const meterIfOn: Middleware = (next, of) => {
    const metered = meter(next, of);
    return (given) => (isOn() ? metered : next)(given);
  };
  add(meterIfOn, { step: "initialize", name: "meterbridge", override: true });
}

type Next = (given: Given) => Promise<Result>;
type Middleware = (next: Next, context: { readonly commandName?: unknown }) => Next;
interface Given {
  readonly input?: unknown;
}
interface Result {
  readonly output: Fields;
  readonly response?: unknown;
}
type Fields = Readonly<Record<string, unknown>>;

interface Command {
  /** Where its answer is in the output. */
  readonly answer: string;
  readonly isStreamed: boolean;
}

const commands: ReadonlyMap<unknown, Command> = new Map([
  ["ConverseCommand", { answer: "", isStreamed: false }],
  ["ConverseStreamCommand", { answer: "stream", isStreamed: true }],
  ["InvokeModelCommand", { answer: "body", isStreamed: false }],
  ["InvokeModelWithResponseStreamCommand", { answer: "body", isStreamed: true }],
]);

const meter: Middleware = (next, { commandName }) => {
  const command = commands.get(commandName);
  if (command === undefined) return next;
  return async (given) => {
    const model = modelName(fieldsOf(given.input)["modelId"]);
    const operation = /embed/i.test(model) ? "embeddings" : "chat";
    const call = beginAdapterCall({ provider: "aws.bedrock", model, operation });
    const reader = invocationReader();
    let result: Result;
    try {
      result = await context.with(call.active, next, undefined, given);
    } catch (error) {
      call.fail(error, failureOf(error));
      throw error;
    }
    // The first end counts, so this is for an answer that cannot be looked at.
    if (quietly(() => lookAt(result, command, call, reader)) === null) call.complete();
    return result;
  };
};

function lookAt({ output, response }: Result, command: Command, call: AdapterCall, reader: InvocationReader): true {
  const attempts = attemptsIn(output);
  const answer = command.answer === "" ? output : output[command.answer];
  if (command.isStreamed && isIterable(answer)) {
    observeIterable(answer, streamObserver(call, reader, attempts));
  } else {
    reader.readHeaders(response);
    reader.readWhole(answer);
    call.complete({ ...reader.usage(), attempts });
  }
  return true;
}

function streamObserver(
  call: AdapterCall,
  reader: InvocationReader,
  attempts: number | undefined,
): Parameters<typeof observeIterable>[1] {
  return {
    part(part) {
      if (reader.readEvent(part)) call.chunk();
    },
    end: () => call.complete({ ...reader.usage(), attempts }),
    fail: (error) => call.fail(error, { ...reader.partialUsage(), ...failureOf(error), attempts }),
    cancel: () => call.cancel({ ...reader.partialUsage(), attempts }),
  };
}

/** Without the account that an ARN names: `arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.amazon.nova-lite-v1:0`. */
function modelName(modelId: unknown): string {
  if (typeof modelId !== "string") return "unknown";
  return modelId.startsWith("arn:") ? modelId.slice(modelId.lastIndexOf("/") + 1) : modelId;
}

function attemptsIn(from: unknown): number | undefined {
  const { attempts } = fieldsOf(fieldsOf(from)["$metadata"]);
  return typeof attempts === "number" && attempts >= 1 ? attempts : undefined;
}

function failureOf(error: unknown): LlmEnding {
  const { httpStatusCode: status } = fieldsOf(fieldsOf(error)["$metadata"]);
  const errorType = typeof status === "number" && status >= 400 ? String(status) : networkErrorType(error);
  return { errorType, attempts: attemptsIn(error) };
}

function isIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}
