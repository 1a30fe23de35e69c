import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { ExporterBackend, Reading } from "@meterbridge/testkit";
import type { Attributes } from "@opentelemetry/api";

export interface FileBackend extends ExporterBackend {
  readonly path: string;
}

/** A file as the backend: what stands in it last is what is known. Down, there is a directory in its place. */
export function fileBackend(): Promise<FileBackend> {
  const directory = mkdtempSync(path.join(tmpdir(), "meters-to-file-"));
  const target = path.join(directory, "meters.jsonl");
  const aside = path.join(directory, "aside");
  const lines = (): Line[] => {
    const text = readFileSync(target, { encoding: "utf8", flag: "a+" });
    return text.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Line]));
  };
  return Promise.resolve({
    path: target,
    read({ name }, attributes) {
      const last = lines().findLast((line) => line.name === name && keyOf(line.attributes) === keyOf(attributes));
      if (typeof last?.value !== "object" || last.value === null) return Promise.resolve(last?.value);
      const { count, sum } = last.value;
      return Promise.resolve({ count, sum });
    },
    unitOf: ({ name }) => Promise.resolve(lines().findLast((line) => line.name === name)?.unit),
    contacts: () => lines().length,
    misbehave(fault) {
      if (fault === undefined) {
        rmdirSync(target);
        renameSync(aside, target);
      } else {
        lines();
        renameSync(target, aside);
        mkdirSync(target);
      }
    },
    stop: () => Promise.resolve(rmSync(directory, { recursive: true })),
  });
}

interface Line {
  readonly name: string;
  readonly unit: string;
  readonly attributes: Attributes;
  readonly value: Reading;
}

function keyOf(attributes: Attributes): string {
  return JSON.stringify(Object.entries(attributes).toSorted(([left], [right]) => (left < right ? -1 : 1)));
}
