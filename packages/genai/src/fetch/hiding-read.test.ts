import { expect, test } from "vitest";
import { hidingRead, type Step } from "./hiding-read.ts";

test("who asks several times at once gets what is left in order, also where whole pieces are taken out", async () => {
  const pieces = ["hidden", "one", "hidden", "hidden", "two"].map((text) => Buffer.from(text));
  const source = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  }).getReader();
  const branch = {
    asked() {},
    piece: (bytes: unknown) => (String(bytes) === "hidden" ? undefined : (bytes as Uint8Array)),
  };
  let rest: Uint8Array | undefined = Buffer.from("rest");
  const end = (): Uint8Array | undefined => {
    const left = rest;
    rest = undefined;
    return left;
  };
  const read = hidingRead(
    (): Promise<Step> => source.read(),
    branch,
    end,
    () => {},
  );
  const steps = await Promise.all([1, 2, 3, 4].map(() => read.call(undefined as never)));
  expect(steps.map(({ done, value }) => (done ? "end" : String(value)))).toEqual(["one", "two", "rest", "end"]);
});
