/** How much text there is, without the text. */
export interface TextAmount {
  readonly characters: number;
  /** Of these: of scripts such as Chinese, where a character is about a token. Found by samples in long texts. */
  readonly wideCharacters: number;
}

/**
 * How much text stands in a value's strings at any depth. Nothing is kept. Data (pictures, sound, files as base64) is left out by the names it
 * goes under. Bounded: what lies beyond a million values is not counted.
 */
export function textIn(value: unknown): TextAmount {
  const amount = { characters: 0, wideCharacters: 0 };
  const stack: unknown[] = [value];
  for (let budget = mostValues; stack.length > 0 && budget > 0; budget -= 1) {
    const next = stack.pop();
    if (typeof next === "string") addText(amount, next);
    else if (Array.isArray(next)) addMembers(stack, next);
    else if (typeof next === "object" && next !== null) addFields(stack, next as Record<string, unknown>);
  }
  return amount;
}

export function addAmounts(one: TextAmount, other: TextAmount): TextAmount {
  return {
    characters: one.characters + other.characters,
    wideCharacters: one.wideCharacters + other.wideCharacters,
  };
}

/** Whether the character stands for about a token by itself: from the scripts of East Asia on. */
export function isWide(code: number): boolean {
  return code >= 0x2e80;
}

const mostValues = 1_000_000;
const mostLooks = 64;

function addText(amount: { characters: number; wideCharacters: number }, text: string): void {
  if (text.startsWith("data:")) return;
  amount.characters += text.length;
  // Every character of a short text, and as many of a long one: a prompt of a megabyte is not read twice.
  const step = Math.max(1, Math.floor(text.length / mostLooks));
  let looks = 0;
  let wide = 0;
  for (let index = 0; index < text.length; index += step) {
    looks += 1;
    if (isWide(text.charCodeAt(index))) wide += 1;
  }
  if (wide > 0) amount.wideCharacters += Math.round((text.length * wide) / looks);
}

function addMembers(stack: unknown[], members: readonly unknown[]): void {
  // A long list of numbers (tokens, vectors) holds no text.
  if (typeof members[0] === "number") return;
  for (const member of members) if (typeof member === "string" || typeof member === "object") stack.push(member);
}

function addFields(stack: unknown[], fields: Record<string, unknown>): void {
  for (const name of Object.keys(fields)) if (!withoutText.has(name)) stack.push(fields[name]);
}

/** Fields that hold no text for the model, or data instead of text. */
const withoutText: ReadonlySet<string> = new Set([
  "bytes",
  "cache_control",
  "call_id",
  "data",
  "encrypted_content",
  "file_data",
  "finishReason",
  "finish_reason",
  "id",
  "image_url",
  "inlineData",
  "inline_data",
  "input_audio",
  "logprobs",
  "media_type",
  "mimeType",
  "model",
  "role",
  "signature",
  "status",
  "thoughtSignature",
  "tool_call_id",
  "type",
]);
