import fc from "fast-check";
import { expect, test } from "vitest";
import { createLatestSums } from "./latest-sums.ts";

test("of events that tell the same counts only the last is read, and none is lost that tells others", () => {
  const counts = fc.dictionary(fc.constantFrom("input", "output", "thoughts", "cached"), fc.nat({ max: 100_000 }));
  fc.assert(
    fc.property(fc.array(counts, { maxLength: 20 }), (events) => {
      const merged: Record<string, number> = {};
      let reads = 0;
      const latest = createLatestSums((text) => {
        reads += 1;
        Object.assign(merged, (JSON.parse(text) as { sums: object }).sums);
      });
      for (const sums of events) {
        const bytes = Buffer.from(`data: ${JSON.stringify({ sums })}\n`);
        latest.put(bytes, 6, bytes.length - 1, bytes.indexOf("{", 8), bytes.length - 2);
        bytes.fill(0);
      }
      latest.read();
      latest.read();
      expect(merged).toEqual(Object.assign({}, ...events));
      const kinds = events.map((sums) => Object.keys(sums).join());
      expect(reads).toBe(kinds.filter((kind, index) => kind !== kinds[index + 1]).length);
    }),
    { numRuns: 500 },
  );
});
