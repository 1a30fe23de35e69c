import type { TokenCounter } from "../wire/token-counter.ts";
import type { RequestFacts, WireFormat } from "../wire/wire-format.ts";
import { type AnswerBranch, openBranch, type PieceReader } from "./answer-branch.ts";
import type { ModelCall } from "./model-call.ts";
import { layOver } from "./own-property.ts";
import { isNodeStream, tapNodeStream } from "./tapped-node-stream.ts";
import { tapStream } from "./tapped-stream.ts";
import { gatherWhole, readAsItComes, readNothing } from "./piece-readers.ts";

/** How an answer is to be read. */
export interface AnswerLanguage {
  readonly format: WireFormat;
  readonly facts: RequestFacts;
  readonly tokens: TokenCounter;
}

/** Reads the usage of the answer while the caller reads it. The caller has the very same response. */
export function tapAnswer(answer: Response, call: ModelCall, { format, facts, tokens }: AnswerLanguage): void {
  // Not the answer itself: what is kept of the call must not keep it.
  const { body, headers } = answer;
  const kind = format.answerKind(headers.get("content-type") ?? "", facts);
  const createReader = (): PieceReader => {
    const reader = format.createReader(facts, tokens);
    reader.readHeaders?.((name) => headers.get(name));
    return kind === "stream" ? readAsItComes(reader) : kind === "whole" ? gatherWhole(reader) : readNothing(reader);
  };
  const branch = openBranch(call, createReader, facts.hidesUsage && kind === "stream");
  if (body === null) branch.end();
  else if (isNodeStream(body)) tapNodeStream(answer, body, branch);
  else tapResponse(answer, body, branch, kind === "whole");
}

function tapResponse(answer: Response, body: ReadableStream<Uint8Array>, branch: AnswerBranch, isWhole: boolean): void {
  tapStream(body, branch);
  const { json, text, clone } = answer;
  if (isWhole) {
    layOver(answer, "json", function (this: Response) {
      return this === answer && isUnread(answer)
        ? readWhole(json, answer, branch, (parsed) => parsed)
        : json.call(this);
    });
    layOver(answer, "text", function (this: Response) {
      return this === answer && isUnread(answer) ? readWhole(text, answer, branch, JSON.parse) : text.call(this);
    });
  }
  layOver(answer, "clone", function (this: Response) {
    if (this !== answer || !isUnread(answer)) return clone.call(this);
    // As it would be without us: by `tee` of its class.
    delete (body as { tee?: unknown }).tee;
    const copy = clone.call(answer);
    if (answer.body !== null) tapResponse(answer, answer.body, branch, isWhole);
    if (copy.body !== null) tapResponse(copy, copy.body, branch.fork(), isWhole);
    return copy;
  });
}

function isUnread(answer: Response): boolean {
  return !answer.bodyUsed && answer.body?.locked !== true;
}

/** The client parses the answer, and we read what it has parsed: nothing is gathered. */
function readWhole<Result>(
  method: () => Promise<Result>,
  answer: Response,
  branch: AnswerBranch,
  parse: (result: never) => unknown,
): Promise<Result> {
  branch.readsWhole();
  const promise = method.call(answer);
  promise.then(
    (result) => branch.whole(parsedBy(parse, result)),
    (error: unknown) => (error instanceof SyntaxError ? branch.whole(undefined) : branch.fail(error)),
  );
  return promise;
}

function parsedBy(parse: (result: never) => unknown, result: unknown): unknown {
  try {
    return parse(result as never);
  } catch {
    return undefined;
  }
}
