import { expect, test } from "vitest";
import { uuidV7 } from "./uuid-v7.ts";

const shape = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test("a hundred thousand ids of one millisecond are unique, else events of a burst would be taken for replays", () => {
  const now = Date.now();
  const ids = new Set(Array.from({ length: 100_000 }, () => uuidV7(now)));
  expect(ids.size).toBe(100_000);
  expect([...ids].every((id) => shape.test(id))).toBe(true);
});

test("ids of later milliseconds sort later as texts, over every width of the number", () => {
  const times = [0, 1, 255, 256, 2 ** 32 - 1, 2 ** 32, Date.UTC(2026, 0), Date.UTC(2026, 0) + 1, 2 ** 48 - 1];
  const ids = times.map(uuidV7);
  expect(ids.toSorted()).toEqual(ids);
  expect(ids.map((id) => Number.parseInt(id.replace("-", "").slice(0, 12), 16))).toEqual(times);
});

test("every random bit is used, else ids of one millisecond would meet too soon", () => {
  const seen = new Map<number, Set<string>>();
  for (let index = 0; index < 2000; index++) {
    const digits = uuidV7(0).replaceAll("-", "");
    for (let place = 13; place < 32; place++) {
      const known = seen.get(place) ?? new Set();
      seen.set(place, known.add(digits[place]!));
    }
  }
  expect([...seen].map(([place, known]) => [place, known.size])).toEqual(
    [...seen].map(([place]) => [place, place === 16 ? 4 : 16]),
  );
});
