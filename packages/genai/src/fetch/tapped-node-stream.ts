import type { Readable } from "node:stream";
import type { AnswerBranch } from "./answer-branch.ts";
import { layOver } from "./own-property.ts";

/** The body of an answer of `node-fetch` and its like is a stream of Node.js. */
export function isNodeStream(body: unknown): body is Readable {
  return typeof body === "object" && body !== null && "emit" in body && "pipe" in body;
}

/** Looks at what the stream gives out, whichever way it is read. Where bytes are taken out, the answer's body is another that is fed by it. */
export function tapNodeStream(answer: object, body: Readable, branch: AnswerBranch): void {
  if (branch.hides) return divert(answer, body, branch);
  const { emit } = body;
  let isOver = false;
  layOver(body, "emit", function (this: Readable, event: unknown, ...given: unknown[]) {
    const [piece] = given;
    if (event === "data") branch.piece(typeof piece === "string" ? Buffer.from(piece) : piece);
    else if (event === "end") branch.end();
    else if (event === "error") {
      if (isGivenUp(piece)) branch.cancel();
      else branch.fail(piece);
    } else if (event === "close" && !isOver) branch.cancel();
    isOver ||= event === "end" || event === "error";
    return Reflect.apply(emit, this, [event, ...given]) as unknown;
  });
}

function divert(answer: object, body: Readable, branch: AnswerBranch): void {
  let between: Readable | undefined;
  const get = (): Readable => (between ??= withoutUsage(body, branch));
  Object.defineProperty(answer, "body", { get, configurable: true, enumerable: false });
}

function withoutUsage(body: Readable, branch: AnswerBranch): Readable {
  const { pipeline, Transform } = process.getBuiltinModule("node:stream");
  const out = new Transform({
    transform(piece: Uint8Array, _encoding, done) {
      done(null, handedOn(branch.piece(piece)));
    },
    flush(done) {
      done(null, handedOn(branch.end()));
    },
  });
  // Before the pipeline destroys it in its turn.
  let wasBroken = false;
  body.once("error", () => {
    wasBroken = true;
  });
  pipeline(body, out, (error) => {
    if (error === null || error === undefined) return;
    if (isGivenUp(error) || !wasBroken) branch.cancel();
    else branch.fail(error);
  });
  return out;
}

/** What a stream is destroyed with when a loop over it is left. */
function isGivenUp(error: unknown): boolean {
  return typeof error === "object" && error !== null && "name" in error && error.name === "AbortError";
}

function handedOn(left: Uint8Array | undefined): Buffer | undefined {
  return left === undefined || left.byteLength === 0 ? undefined : Buffer.from(left);
}
