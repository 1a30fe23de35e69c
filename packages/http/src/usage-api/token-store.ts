import { timingSafeEqual } from "node:crypto";
import { readFileSync, statSync, type Stats } from "node:fs";
import { stat } from "node:fs/promises";
import { diag } from "@opentelemetry/api";
import { hashOf, readTokens, withoutDoubles, type KnownToken } from "./read-tokens.ts";
import { variables, type CheckedUsageApiOptions } from "./usage-api-options.ts";

export interface TokenStore {
  /** Whether tokens decide at all. Also true while a file of tokens holds none. */
  readonly isConfigured: boolean;
  /** The token of that text, unless it is unknown or expired. Takes as long whichever it is. */
  find(token: string): Promise<KnownToken | undefined>;
}

/** @throws Error of one line where a token or the file is wrong. */
export function createTokenStore(
  options: Pick<CheckedUsageApiOptions, "tokens" | "tokensFile" | "adminTokens">,
): TokenStore {
  const fixed = withoutDoubles(
    [
      ...readTokens(options.tokens, 'option "tokens"'),
      ...readTokens(
        options.adminTokens.map((token) => ({ token, scope: "admin" })),
        variables.adminToken,
      ),
    ],
    `option "tokens", with ${variables.adminToken},`,
  );
  const file = options.tokensFile === undefined ? undefined : watchTokensFile(options.tokensFile, fixed);
  return {
    isConfigured: fixed.length > 0 || file !== undefined,
    async find(token) {
      const known = file === undefined ? fixed : await file.tokens();
      const hash = hashOf(token);
      let found: KnownToken | undefined;
      for (const each of known) if (timingSafeEqual(hash, each.hash)) found = each;
      return found !== undefined && Date.now() < found.expires ? found : undefined;
    },
  };
}

/** The tokens of the file and the others. Looked at again by whoever asks, once a second at most. */
function watchTokensFile(
  file: string,
  others: readonly KnownToken[],
): { readonly tokens: () => Promise<readonly KnownToken[]> } {
  const read = (): readonly KnownToken[] => {
    const given = parseFile(file);
    return withoutDoubles([...others, ...readTokens(given, `${file}: tokens`)], `${file}, with the other tokens,`);
  };
  let state = stateOf(statOrThrow(file));
  let tokens = read();
  let lookedAt = Date.now();
  let isTold = false;
  return {
    async tokens() {
      const now = Date.now();
      if (now - lookedAt < lookAgainAfterMillis && now >= lookedAt) return tokens;
      lookedAt = now;
      try {
        const present = stateOf(await stat(file));
        if (present !== state) {
          tokens = read();
          state = present;
        }
        isTold = false;
      } catch (error) {
        if (!isTold) diag.error(`${who} the tokens read before stay valid, ${file} cannot be used: ${reasonOf(error)}`);
        isTold = true;
      }
      return tokens;
    },
  };
}

function parseFile(file: string): readonly unknown[] {
  const text = readOrThrow(file);
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    // The parser's message quotes what it found, which may be a token.
  }
  const { tokens, ...rest } = Object(content) as { readonly tokens?: unknown };
  if (Array.isArray(tokens) && Object.keys(rest).length === 0) return tokens as readonly unknown[];
  throw new Error(`${who} ${file} must be JSON of the form { "tokens": [{ "token": "…", "scope": "admin" }] }`);
}

function readOrThrow(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw unreadable(file, error);
  }
}

function statOrThrow(file: string): Stats {
  try {
    return statSync(file);
  } catch (error) {
    throw unreadable(file, error);
  }
}

function unreadable(file: string, error: unknown): Error {
  return new Error(`${who} the file of tokens ${file} cannot be read: ${reasonOf(error)}`, { cause: error });
}

/** What tells one content from the next, also where a link is put in place of another. */
function stateOf({ mtimeMs, size, ino }: Stats): string {
  return `${mtimeMs} ${size} ${ino}`;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.replace(`${who} `, "") : "unknown error";
}

const lookAgainAfterMillis = 1000;
const who = "[meterbridge] [http] usageApi():";
