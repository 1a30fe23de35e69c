import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { diag, DiagLogLevel } from "@opentelemetry/api";
import { registeredApi } from "./registered-api.ts";

/** What stands in a file, with variables filled in, and what its parser has warned of. */
export interface ParsedFile {
  readonly content: Readonly<Record<string, unknown>>;
  readonly warnings: readonly string[];
}

/**
 * Reads a configuration file by OpenTelemetry's own parser, which fills in `${VARIABLE:-default}` and holds the file against the schema.
 * The parser is loaded here and not before: who has no such file does not pay for it.
 *
 * @throws Error of one line, which names the file and the place in it. No values are shown, they may be secret.
 */
export function parseConfigFile(file: string): ParsedFile {
  const text = readText(file);
  const raw = parseYaml(file, text);
  const warnings: string[] = [];
  try {
    const { parseConfigFile: parse } =
      require("@opentelemetry/configuration") as typeof import("@opentelemetry/configuration");
    return { content: keepingWarnings(warnings, () => parse(file)), warnings };
  } catch (error) {
    throw refused(file, reasonOf(error, file, raw));
  }
}

const require = createRequire(import.meta.url);
/** A file can be wrong in hundreds of ways at once, of which the first few tell enough. */
const mostReasons = 3;

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw refused(file, `cannot be read (${code}): check the path, it is taken from ${process.cwd()}`, error);
  }
}

/** The official parser takes a file with errors in its YAML for what it could make of it. */
function parseYaml(file: string, text: string): unknown {
  const { parseDocument } = require("yaml") as typeof import("yaml");
  const document = parseDocument(text, { version: "1.2", prettyErrors: false });
  const [first] = document.errors;
  if (first === undefined) return toObject(file, () => document.toJS());
  const before = text.slice(0, first.pos[0]).split("\n");
  throw refused(file, `is not YAML: line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}: ${first.code}`);
}

function toObject(file: string, convert: () => unknown): unknown {
  try {
    const found = convert();
    if (typeof found === "object" && found !== null && !Array.isArray(found)) return found;
  } catch (error) {
    throw refused(file, `is not YAML that can be used: ${error instanceof Error ? error.message : ""}`, error);
  }
  throw refused(file, `must hold a mapping that begins with file_format: "1.0"`);
}

/** Nobody listens to `diag` yet: how much is told may stand in the file itself. */
function keepingWarnings<Result>(warnings: string[], work: () => Result): Result {
  const keep = (message: string): void => void warnings.push(message);
  const none = (): void => {};
  const keeping = { error: keep, warn: keep, info: none, debug: none, verbose: none };
  const installed = registeredApi()?.diag === undefined && diag.setLogger(keeping, { logLevel: DiagLogLevel.WARN });
  try {
    return work();
  } finally {
    if (installed) diag.disable();
  }
}

/** `/meter_provider/readers/0 must have …` becomes `meter_provider.readers[0] must have …`. */
function reasonOf(error: unknown, file: string, raw: unknown): string {
  const message = (error instanceof Error ? error.message : String(error))
    .replace("Invalid OpenTelemetry config file: ", "")
    .replace(`${file}: `, "")
    .replaceAll(/:-[^}]*\}/g, ":-…}");
  const all = message
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
  const shown = all.slice(0, mostReasons).map((line) => {
    const [, pointer = "", what = line] = /^(\/\S*)? ?(.*)$/s.exec(line) ?? [];
    const steps = pointer
      .split("/")
      .slice(1)
      .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
    const hint = what.includes("additional properties") ? ` (found ${keysAt(raw, steps)})` : "";
    const place = steps.map((step) => (/^\d+$/.test(step) ? `[${step}]` : `.${step}`)).join("");
    return `${place.replace(/^\./, "")} ${what}${hint}`.trim();
  });
  const more = all.length > mostReasons ? `; and ${all.length - mostReasons} more` : "";
  return `does not follow OpenTelemetry's configuration schema: ${shown.join("; ")}${more}`;
}

/** Which of them is one too many the parser does not tell. */
function keysAt(raw: unknown, steps: readonly string[]): string {
  const found = steps.reduce<unknown>((place, step) => (place as Record<string, unknown> | undefined)?.[step], raw);
  return typeof found === "object" && found !== null ? Object.keys(found).join(", ") : "others";
}

function refused(file: string, reason: string, cause?: unknown): Error {
  return new Error(`[meterbridge] OTEL_CONFIG_FILE, ${file} ${reason}`, { cause });
}
