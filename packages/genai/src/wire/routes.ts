import { endsLikeModelCall, readCallPath, type CallPath } from "./call-paths.ts";
import { formats, providersOfFormats, tellingFormats } from "./formats.ts";
import { knownHostOf, type KnownHost } from "./known-hosts.ts";
import type { CallRoute, FormatName } from "./wire-format.ts";

/** A host that speaks a known language under a name of its own. */
export interface ConfiguredHost {
  /** As in a URL, with the port where it is not the scheme's own: `llm.internal:8080`. */
  readonly host: string;
  /** `gen_ai.provider.name` of its calls. */
  readonly provider: string;
  /** Its language, where its paths do not tell. Then every POST to it with a body of that shape is a model call. */
  readonly format?: FormatName | undefined;
}

export interface RouteSettings {
  readonly hosts?: readonly ConfiguredHost[] | undefined;
}

/**
 * Whether an address may be one of a model call: false for nearly every other request, at a fraction of what parsing the URL would cost. True is no
 * promise: `routeOf` decides.
 */
export function mayBeModelCall(address: string, settings: RouteSettings = {}): boolean {
  if (endsLikeModelCall(address)) return true;
  return settings.hosts?.some(({ host, format }) => format !== undefined && address.includes(host)) ?? false;
}

/** What the address of a request tells of a model call; undefined when it is none. */
export function routeOf(url: URL, method: string, settings: RouteSettings = {}): CallRoute | undefined {
  if (method !== "POST" && method.toUpperCase() !== "POST") return undefined;
  const configured = settings.hosts?.find(({ host }) => host === url.host);
  const path = readCallPath(url.pathname) ?? pathByHost(configured);
  if (path === undefined) return undefined;
  const known: KnownHost | undefined = configured ?? knownHostOf(url.hostname);
  const telling = known?.usage === "told" ? tellingFormats[path.format] : undefined;
  return {
    provider: configured?.provider ?? providerOf(known, path, url.pathname),
    format: telling ?? formats[path.format],
    operation: path.operation,
    model: path.model,
    isStreamed: path.isStreamed,
    takesStreamOptions: known !== undefined && configured === undefined,
    isKnownHost: known !== undefined && (configured === undefined || configured.format === undefined),
  };
}

/** Any path of a host that was configured with its language. */
function pathByHost(configured: ConfiguredHost | undefined): CallPath | undefined {
  if (configured?.format === undefined) return undefined;
  return { format: configured.format, operation: operationsOfFormats[configured.format] ?? "chat" };
}

function providerOf(known: KnownHost | undefined, { format }: CallPath, path: string): string {
  // Azure serves OpenAI's models and those of others under one host, and gateways of companies pass its paths on.
  const isAzureOpenAi = path.includes("/openai/deployments/") || path.includes("/openai/v1/");
  if (isAzureOpenAi && (known === undefined ? path.includes("/deployments/") : known.provider.startsWith("azure."))) {
    return "azure.ai.openai";
  }
  if (known?.provider === "azure.ai.openai" && format === "anthropic-messages") return "azure.ai.inference";
  return known?.provider ?? providersOfFormats[format];
}

const operationsOfFormats: Readonly<Partial<Record<FormatName, string>>> = {
  gemini: "generate_content",
  "openai-audio": "generate_content",
  "openai-completions": "text_completion",
  "openai-embeddings": "embeddings",
  "openai-images": "generate_content",
};
