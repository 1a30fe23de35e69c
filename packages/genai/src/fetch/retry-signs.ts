/** What a request tells of its client's habit to try again. */
export interface RetrySign {
  /** Which try this is, from 0, where the client says so. */
  readonly retry: number | undefined;
  /** After how many seconds the client gives a try up, where it says so. */
  readonly timeoutSeconds: number | undefined;
}

/**
 * Undefined for a client that shows no sign of trying again. Those made by Stainless (`openai`, `@anthropic-ai/sdk`, `groq-sdk`, …) number their
 * tries in a header; the AI SDK and `@google/genai` are known by their name, and send the same body again.
 */
export function retrySign(headers: Headers): RetrySign | undefined {
  const count = headers.get("x-stainless-retry-count");
  if (count !== null && /^\d{1,3}$/.test(count)) {
    const timeout = Number(headers.get("x-stainless-timeout") ?? Number.NaN);
    return { retry: Number(count), timeoutSeconds: timeout > 0 ? timeout : undefined };
  }
  const isKnown =
    /\bai-sdk[-/]/.test(headers.get("user-agent") ?? "") ||
    /\bgoogle-genai-sdk\//.test(`${headers.get("x-goog-api-client")} ${headers.get("user-agent")}`);
  return isKnown ? { retry: undefined, timeoutSeconds: undefined } : undefined;
}

/** Whether such clients try again after this answer. The provider may say so. */
export function isRetried(answer: Response): boolean {
  const told = answer.headers.get("x-should-retry");
  if (told === "true" || told === "false") return told === "true";
  const { status } = answer;
  return status === 408 || status === 409 || status === 429 || status >= 500;
}

/** How long to wait for the next try: as long as the provider asked for, else as long as clients wait at most, and some time to get going. */
export function millisToNextTry(headers: Headers | undefined): number {
  const asked = headers === undefined ? undefined : askedMillis(headers);
  return asked === undefined ? longestUnasked : asked + timeToGetGoing;
}

const longestUnasked = 10_000;
const timeToGetGoing = 2000;
/** Clients heed no longer wish. */
const longestAsked = 60_000;

function askedMillis(headers: Headers): number | undefined {
  const millis = Number(headers.get("retry-after-ms") ?? Number.NaN);
  const text = headers.get("retry-after");
  const seconds = text === null ? Number.NaN : Number(text);
  const asked = Number.isFinite(millis)
    ? millis
    : Number.isFinite(seconds)
      ? seconds * 1000
      : Date.parse(text ?? "") - Date.now();
  return asked > 0 && asked <= longestAsked ? asked : undefined;
}
