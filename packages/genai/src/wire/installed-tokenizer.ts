import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";

/** Counts a text's tokens. */
export type CountTokens = (text: string) => number;

/**
 * The tokenizer that the app itself depends on: `gpt-tokenizer`, `js-tiktoken` or `tiktoken`. Undefined when its package.json names none of them: what
 * others brought along is not loaded, because a tokenizer's tables take tens of megabytes and hold the event loop for a moment. Never throws.
 */
export async function findTokenizer(appDirectory: string = directoryOfApp()): Promise<CountTokens | undefined> {
  const dependencies = await dependenciesOf(appDirectory);
  for (const [name, use] of Object.entries(tokenizers)) {
    if (!dependencies.has(name)) continue;
    try {
      const file = createRequire(path.join(appDirectory, "package.json")).resolve(name);
      return use((await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>);
    } catch {
      // Not installed after all, or of a version with another shape: the next.
    }
  }
  return undefined;
}

type Module = Readonly<Record<string, unknown>>;

const tokenizers: Readonly<Record<string, (module: Module) => CountTokens | undefined>> = {
  "gpt-tokenizer": ({ countTokens }) => countTokens as CountTokens,
  "js-tiktoken": ({ getEncoding }) => encodingOf(getEncoding),
  tiktoken: ({ get_encoding: getEncoding }) => encodingOf(getEncoding),
};

interface Encoding {
  encode(text: string, allowedSpecial: readonly string[], disallowedSpecial: readonly string[]): ArrayLike<number>;
}

function encodingOf(getEncoding: unknown): CountTokens {
  const get = getEncoding as (name: string) => Encoding;
  let encoding: Encoding;
  try {
    encoding = get("o200k_base");
  } catch {
    encoding = get("cl100k_base");
  }
  return (text) => encoding.encode(text, [], []).length;
}

function directoryOfApp(): string {
  const script = process.argv[1];
  return script === undefined ? process.cwd() : path.dirname(script);
}

/** What the nearest package.json names. */
async function dependenciesOf(directory: string): Promise<ReadonlySet<string>> {
  for (let at = directory; ; at = path.dirname(at)) {
    try {
      const manifest = JSON.parse(await readFile(path.join(at, "package.json"), "utf8")) as Record<
        string,
        object | undefined
      >;
      return new Set(Object.keys({ ...manifest["dependencies"], ...manifest["devDependencies"] }));
    } catch {
      if (path.dirname(at) === at) return new Set();
    }
  }
}
