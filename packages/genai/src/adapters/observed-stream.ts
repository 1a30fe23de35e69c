/** Told what becomes of a stream. Must not hold the stream itself. */
export interface StreamObserver<Part> {
  part(part: Part): void;
  end(): void;
  fail(error: unknown): void;
  /** The reader has given up, or is gone. */
  cancel(): void;
}

/** The stream with an observer beside it: the same parts, errors and backpressure. */
export function observeStream<Part>(
  stream: ReadableStream<Part>,
  observer: StreamObserver<Part>,
): ReadableStream<Part> {
  const reader = stream.getReader();
  const observed = new ReadableStream<Part>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (done) {
            observer.end();
            controller.close();
          } else {
            observer.part(value);
            controller.enqueue(value);
          }
        } catch (error) {
          observer.fail(error);
          controller.error(error);
        }
      },
      async cancel(reason) {
        try {
          await reader.cancel(reason);
        } finally {
          observer.cancel();
        }
      },
    },
    { highWaterMark: 0 },
  );
  unread.register(observed, observer);
  return observed;
}

/** Nobody reads what cannot be reached any more. */
const unread = new FinalizationRegistry<StreamObserver<never>>((observer) => observer.cancel());
