/** One client library, and what a test does with it. Each call makes a client of its own, as it finds the global fetch. */
export interface Client {
  readonly name: string;
  /** `gen_ai.provider.name`. */
  readonly provider: string;
  readonly model: string;
  /** `gen_ai.operation.name`. */
  readonly operation: string;
  /** Whether its streams tell usage only when they are asked to. */
  readonly asksForUsage: boolean;
  /** Tries three times where it may. Absent: it never tries again. */
  readonly retries: boolean;
  /** Resolves to all that the client gives. */
  plain(wish?: Wish): Promise<unknown>;
  /** Resolves to all chunks that the client gives, up to where it was told to stop. */
  stream(wish?: StreamWish): Promise<unknown[]>;
}

export interface Wish {
  readonly withTools?: boolean;
  readonly maxRetries?: number;
}

export interface StreamWish extends Wish {
  /** Whether the caller itself asks for usage. */
  readonly includeUsage?: boolean;
  /** Gives up after so many chunks with content. 0: before the first was asked for, once the answer has begun. */
  readonly stopAfter?: number;
  /** Resolves when the answer has begun. */
  readonly begun?: Promise<unknown>;
}

export const prompt: string = "Please say hello to the whole world, and be kind about it.";

export const key: string = "key-of-the-tests";

export const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] } as const;

export const described: { name: string; description: string; parameters: typeof parameters } = {
  name: "weather",
  description: "The weather in a city",
  parameters,
};

/** Stops by leaving the loop, or by `giveUp` where a client goes on behind a loop that was left. */
export async function readUntil<Chunk>(
  stream: AsyncIterable<Chunk> | Iterable<Chunk>,
  stopAfter: number | undefined,
  isContent: (chunk: Chunk) => boolean,
  giveUp?: () => void,
): Promise<Chunk[]> {
  const read: Chunk[] = [];
  let content = 0;
  try {
    for await (const chunk of stream) {
      read.push(chunk);
      if (isContent(chunk)) content += 1;
      if (content !== stopAfter) continue;
      if (giveUp === undefined) break;
      giveUp();
    }
  } catch (error) {
    if (content !== stopAfter) throw error;
  }
  return read;
}
