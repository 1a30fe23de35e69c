import { createUsageReader, type LlmEnding, type LlmUsage } from "@meterbridge/core";
import { createEventLines, textOf, type EventLines, type EventLinesOptions } from "./event-lines.ts";
import { createEventScanner, type EventScanner } from "./event-scanner.ts";
import type { FieldMeanings } from "./field-names.ts";
import { createLatestSums } from "./latest-sums.ts";
import { createOutputMeasure } from "./output-measure.ts";
import { isFields, type Fields } from "./request-facts.ts";
import { textIn } from "./text-amount.ts";
import { characterCounter, type TokenCounter } from "./token-counter.ts";
import type { AnswerReader, RequestFacts } from "./wire-format.ts";

/** What the answers of a format are like. */
export interface AnswerTraits {
  /** The fields of its stream's events that matter. */
  readonly fields: FieldMeanings;
  /** Where a whole answer holds what the model wrote. */
  readonly outputFields: readonly string[];
  /** What is estimated where the provider tells nothing: pictures and sound cannot be. */
  readonly estimates: "text" | "nothing";
  /** Whether an event is the last that matters, in formats whose clients leave the stream after it without a word. */
  readonly isLast?: (event: Fields) => boolean;
  /** Whether a whole answer only says that the work goes on: what it will have used is told elsewhere, and not estimated. */
  readonly isUnderWay?: (answer: Fields) => boolean;
  /** How its stream is framed. @default server-sent events, or JSON line by line */
  readonly createFrames?: (options: EventLinesOptions) => EventLines;
  /** The event as one that is understood, where its format is not. */
  readonly translate?: (event: Fields) => Fields;
  /** What an event tells that counts only where nothing better is told, as an event that is understood. */
  readonly lastResort?: (event: Fields) => Fields | undefined;
  /** What the answer's headers tell, as an event that is understood; counts only where nothing better is told. */
  readonly readHeaders?: (header: (name: string) => string | null) => Fields | undefined;
}

export function createAnswerReader(
  traits: AnswerTraits,
  request: RequestFacts,
  tokens: TokenCounter = characterCounter,
): AnswerReader {
  const usage = createUsageReader();
  const latest = createLatestSums((text) => read(parsed(text)));
  const output = createOutputMeasure();
  // Of a stream alone: most answers are read as a whole.
  let frames: EventLines | undefined;
  let chunks = 0;
  let charactersBefore = 0;
  let eventsForNames = mostEventsForNames;
  let isWhole = false;
  let isOver = false;
  let isUnderWay = false;
  let failure: string | undefined;
  let unreadable: string | undefined;
  let lastResort: Fields | undefined;

  function openStream(): EventLines {
    const scanner = createEventScanner(traits.fields, output);
    return (traits.createFrames ?? createEventLines)({
      scanner,
      onEvent: (bytes, from, to) => onEvent(scanner, bytes, from, to),
      onText,
      onError() {
        failure ??= "stream_error";
      },
      hides: request.hidesUsage,
    });
  }

  function onEvent(scanner: EventScanner, bytes: Uint8Array, from: number, to: number): boolean {
    countChunk();
    const hasSums = scanner.sumsFrom >= 0;
    if (!scanner.tells && !hasSums && eventsForNames === 0) return false;
    if (hasSums && !scanner.tells && !request.hidesUsage && eventsForNames === 0) {
      latest.put(bytes, from, to, scanner.sumsFrom, scanner.sumsTo);
      return false;
    }
    latest.read();
    return read(parsed(textOf(bytes, from, to)));
  }

  function onText(text: string): boolean {
    countChunk();
    const event = parsed(text);
    read(event);
    // Some keep a line alive by empty events.
    return event !== undefined || text.trim() === "";
  }

  function countChunk(): void {
    const characters = output.characters();
    if (characters > charactersBefore) chunks += 1;
    charactersBefore = characters;
  }

  /** True for a chunk that holds usage alone, which is sent only when it is asked for. */
  function read(event: unknown): boolean {
    if (!isFields(event)) return false;
    lastResort = traits.lastResort?.(event) ?? lastResort;
    usage.read(traits.translate?.(event) ?? event);
    // Ollama says it in a sentence, which is no word to count by.
    if (typeof event["error"] === "string") failure ??= "stream_error";
    isOver ||= traits.isLast?.(event) ?? false;
    if (eventsForNames > 0) {
      eventsForNames = usage.usage()?.responseModel === undefined ? eventsForNames - 1 : 0;
    }
    return isFields(event["usage"]) && isEmptyList(event["choices"]);
  }

  function estimated(): LlmUsage {
    if (traits.estimates === "nothing") return {};
    const input = { characters: request.inputCharacters, wideCharacters: request.inputWideCharacters };
    const inputTokens = input.characters === 0 ? undefined : tokens.tokens(input, request.model, undefined);
    if (request.operation === "embeddings") return { inputTokens };
    return { inputTokens, outputTokens: tokens.tokens(output.amount(), request.model, output.sample()) };
  }

  function ending(): LlmEnding {
    latest.read();
    if (!hasCounts(usage.usage())) usage.read(lastResort);
    const told = usage.usage() ?? {};
    const isTold = hasCounts(told);
    if (isTold && (isWhole || usage.isFinal())) return { ...told, usageSource: "provider" };
    if (isTold) {
      const { inputTokens, outputTokens } = estimated();
      return {
        ...told,
        inputTokens: told.inputTokens ?? inputTokens,
        outputTokens: outputTokens === undefined ? told.outputTokens : Math.max(told.outputTokens ?? 0, outputTokens),
        usageSource: "partial",
      };
    }
    // A call that failed before the model wrote anything is nobody's to pay.
    const failed = failure ?? usage.failure();
    if (failed !== undefined && output.characters() === 0) return { ...told, usageSource: "none" };
    const { inputTokens, outputTokens } = isUnderWay ? {} : estimated();
    if (inputTokens === undefined && !outputTokens) return { ...told, usageSource: "none" };
    return { ...told, inputTokens, outputTokens, usageSource: "estimated" };
  }

  return {
    ...(traits.readHeaders && {
      readHeaders(header) {
        lastResort = traits.readHeaders?.(header);
      },
    }),
    readWhole(answer) {
      isWhole = true;
      for (const part of Array.isArray(answer) ? answer.slice(0, mostParts) : [answer]) {
        if (!isFields(part)) unreadable ??= "an answer that is not a JSON object";
        else isUnderWay ||= traits.isUnderWay?.(part) ?? false;
        read(part);
        for (const field of traits.outputFields) output.add(textIn(ownField(part, field)));
      }
    },
    readPiece: (bytes) => (frames ??= openStream()).readPiece(bytes),
    readEnd: () => frames?.readEnd(),
    responseModel: () => usage.usage()?.responseModel,
    contentChunks: () => chunks,
    isOver: () => isOver,
    failure: () => usage.failure() ?? failure,
    ending,
    unreadable: () => unreadable ?? frames?.unreadable(),
  };
}

/** The model's name stands in an early event or in none. */
const mostEventsForNames = 4;
const mostParts = 10_000;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function hasCounts(usage: LlmUsage | null): boolean {
  return usage !== null && (usage.inputTokens !== undefined || usage.outputTokens !== undefined);
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

function ownField(value: unknown, name: string): unknown {
  return isFields(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}
