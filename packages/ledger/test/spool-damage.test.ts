import { readFile, rm, writeFile } from "node:fs/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { LedgerRow } from "../src/ledger-row.ts";
import { openSpool } from "../src/spool/spool.ts";
import { toldLines } from "./support/spool-diag.ts";
import { filesOf, spoolDirectory } from "./support/spool-directory.ts";
import { drain, numberedRow } from "./support/spool-rows.ts";

test("whatever is cut off or damaged, each record that is still whole is delivered, in order, and never a wrong row", async () => {
  const directory = await spoolDirectory();
  toldLines();
  const damage = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 40 }),
  });
  const input = fc.record({
    appends: fc.array(fc.array(text(), { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 8 }),
    cut: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
    damages: fc.array(damage, { maxLength: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(input, async ({ appends, cut, damages }) => {
      await rm(directory, { recursive: true, force: true });
      const batches = numbered(appends);
      const writer = openSpool({ directory });
      for (const rows of batches) await writer.append(rows);
      await writer.close();

      const [file = ""] = await filesOf(directory, ".left");
      const written = await readFile(file);
      const header = written.indexOf(10) + 1;
      const length = cut === null ? written.length : header + Math.floor(cut * (written.length - header));
      const bytes = Buffer.from(written.subarray(0, length));
      for (const { at, bytes: wrong } of damages) {
        const start = header + Math.floor(at * (length - header));
        bytes.set(wrong.subarray(0, length - start), start);
      }
      await writeFile(file, bytes);

      const whole = batches.filter((_, index) => {
        const [start, end] = placeOf(written, header, index);
        return end <= length && bytes.subarray(start, end).equals(written.subarray(start, end));
      });
      const spool = openSpool({ directory });
      const adoption = await spool.adopt();
      const rows = await drain(spool);
      await spool.close();
      expect(rows).toEqual(whole.flat());
      expect(adoption).toMatchObject({ rows: rows.length, files: 1 });
      // Cut exactly between two records, nothing shows.
      const cutBetween = placeOf(written, header, whole.length - 1)[1] === length || length === header;
      if (whole.length < batches.length && !cutBetween) expect(adoption.damaged).toBeGreaterThan(0);
      if (whole.length === batches.length) expect(adoption.damaged).toBe(0);
    }),
    { numRuns: 300 },
  );
});

/** Texts that look like parts of the format are the ones that could confuse it. */
function text(): fc.Arbitrary<string> {
  const like = fc.constantFrom("]]", "[1,[", "\u0000\u0000\u0000[", "meterbridge-spool 1 {}\n", "🪙".repeat(255));
  return fc.oneof(fc.string({ unit: "grapheme", maxLength: 40 }), like);
}

function numbered(appends: readonly (readonly string[])[]): LedgerRow[][] {
  let number = 0;
  return appends.map((texts) =>
    texts.map((user) => {
      number += 1;
      return { ...numberedRow(number), user, model: user };
    }),
  );
}

/** Where a record starts and ends, by the lengths of the file as it was written. */
function placeOf(written: Buffer, header: number, index: number): [start: number, end: number] {
  let start = header;
  let end = header;
  for (let count = 0; count <= index; count += 1) {
    start = end;
    end = start + 8 + written.readUInt32LE(start);
  }
  return [start, end];
}
