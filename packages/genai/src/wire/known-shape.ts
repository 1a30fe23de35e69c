import { noBytes } from "./line-buffer.ts";

/**
 * The events of a stream are the same but for the text in them: an id, a time, the model before it, ends and nulls behind it. What a scan finds in
 * them is learnt from one and looked up for the next, which takes a third of scanning.
 *
 * Before the text, the first bytes, the length and the last bytes decide (`ta":{"content":`): those cannot stand within a string, whose quotes would be
 * escaped. What lies between may differ, as times and numbers of events do. Usage in there would be overlooked, so nothing is learnt from
 * events with usage before their text; a stream that begins to tell it there with the same number of bytes is not known of anybody. Behind the
 * text, where usage stands, every byte decides.
 */
export interface KnownShape {
  /** Where the text's opening quote is, from the event's beginning; 0 while nothing is known. */
  readonly textAt: number;
  /** How deep the text stands in the event. */
  readonly textDepth: number;
  /** How many bytes of what stands behind the text's closing quote are known. */
  readonly restLength: number;
  /** Whether these are all up to the line's end. */
  readonly isWhole: boolean;
  /** Where in the rest to go on scanning when only the bytes before are the same, and what was found until there. From the rest's beginning; -1: nowhere. */
  readonly resumeAt: number;
  readonly resumeDepth: number;
  /** Where sums that are null stand, from the rest's beginning; -1 without. */
  readonly nullFrom: number;
  readonly nullTo: number;
  /** Whether an event from `from` on is likely of this shape. */
  matches(bytes: Uint8Array, from: number, limit: number): boolean;
  /** How many of the rest's bytes stand at `from`. */
  sameRest(bytes: Uint8Array, from: number, limit: number): number;
  learn(bytes: Uint8Array, learnt: LearntShape): void;
}

/** What was found in an event; all places as indexes in its bytes. */
export interface LearntShape {
  readonly from: number;
  readonly textFrom: number;
  readonly textDepth: number;
  readonly restFrom: number;
  readonly to: number;
  /** Whether `to` is the line's end, and nothing is told before it. */
  readonly isWhole: boolean;
  readonly resumeFrom: number;
  readonly resumeDepth: number;
  readonly nullFrom: number;
  readonly nullTo: number;
}

export function createKnownShape(): KnownShape {
  const beginning = new Uint8Array(edgeLength);
  const ending = new Uint8Array(edgeLength);
  let rest: Uint8Array = noBytes;
  let misses = 0;
  const shape = {
    textAt: 0,
    textDepth: 0,
    restLength: 0,
    isWhole: false,
    resumeAt: -1,
    resumeDepth: 0,
    nullFrom: -1,
    nullTo: -1,
    matches,
    sameRest,
    learn,
  };

  function matches(bytes: Uint8Array, from: number, limit: number): boolean {
    const text = from + shape.textAt;
    if (text >= limit || bytes[text] !== quote) return false;
    const start = text - edgeLength;
    for (let index = 0; index < edgeLength; index += 1) {
      if (bytes[start + index] !== ending[index] || bytes[from + index] !== beginning[index]) return false;
    }
    misses = 0;
    return true;
  }

  function sameRest(bytes: Uint8Array, from: number, limit: number): number {
    const most = Math.min(shape.restLength, limit - from);
    let index = 0;
    while (index < most && bytes[from + index] === rest[index]) index += 1;
    return index;
  }

  function learn(bytes: Uint8Array, learnt: LearntShape): void {
    const textAt = learnt.textFrom - learnt.from;
    misses += 1;
    if (misses > mostMisses || textAt < edgeLength) return;
    for (let index = 0; index < edgeLength; index += 1) {
      beginning[index] = bytes[learnt.from + index] ?? 0;
      ending[index] = bytes[learnt.textFrom - edgeLength + index] ?? 0;
    }
    const restLength = Math.min(longestRest, learnt.to - learnt.restFrom);
    // Of Node.js's pool: memory of its own costs as much as scanning ten events.
    if (rest.length === 0) rest = Buffer.allocUnsafe(longestRest);
    rest.set(bytes.subarray(learnt.restFrom, learnt.restFrom + restLength));
    const resumeAt = learnt.resumeFrom - learnt.restFrom;
    shape.textAt = textAt;
    shape.textDepth = learnt.textDepth;
    shape.restLength = restLength;
    shape.isWhole = learnt.isWhole && restLength === learnt.to - learnt.restFrom;
    shape.resumeAt = resumeAt > 0 && resumeAt <= restLength ? resumeAt : -1;
    shape.resumeDepth = learnt.resumeDepth;
    shape.nullFrom = learnt.nullFrom < 0 ? -1 : learnt.nullFrom - learnt.restFrom;
    shape.nullTo = learnt.nullTo - learnt.restFrom;
  }

  return shape;
}

const quote = 34;
const edgeLength = 10;
const longestRest = 512;
/** Events that are never of the same shape one after the other are not worth learning from. */
const mostMisses = 32;
