import { type EscapingScheme, escapingSchemes } from "./escape-names.ts";
import type { ExpositionFormat } from "./render-steps.ts";

/** What a scraper is answered with. */
export interface Exposition {
  readonly format: ExpositionFormat;
  /** How the scraper wants names that are no words. */
  readonly escaping: EscapingScheme;
  readonly contentType: string;
}

/**
 * What to answer with: of protobuf, OpenMetrics 1.0, text 1.0.0 and text 0.0.4 the one that the `Accept` header gives the highest
 * quality (at equal quality the one named first), else text 0.0.4: also for a header that accepts none, since an answer
 * helps more than a refusal.
 *
 * Source: Prometheus documentation, "Content negotiation".
 */
export function chooseExposition(accept: string | null | undefined): Exposition {
  let best: Exposition = plainText;
  let bestQuality = 0;
  for (const range of (accept ?? "").slice(0, longestHeader).split(",")) {
    const { exposition, quality } = readRange(range);
    if (exposition !== undefined && quality > bestQuality) {
      best = exposition;
      bestQuality = quality;
    }
  }
  return best;
}

/** Whether the `Accept-Encoding` header has gzip. */
export function acceptsGzip(acceptEncoding: string | null | undefined): boolean {
  for (const range of (acceptEncoding ?? "").slice(0, longestHeader).split(",")) {
    const [coding = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    if (coding !== "gzip") continue;
    return qualityOf(readParameters(parameters)) > 0;
  }
  return false;
}

/** More says nothing that matters, and is not worth the time. */
const longestHeader = 4096;

const plainText: Exposition = {
  format: "text",
  escaping: "underscores",
  contentType: "text/plain; version=0.0.4; charset=utf-8",
};

function readRange(range: string): { exposition: Exposition | undefined; quality: number } {
  const [type = "", ...parts] = range.split(";").map((part) => part.trim());
  const parameters = readParameters(parts);
  return { exposition: expositionOf(type.toLowerCase(), parameters), quality: qualityOf(parameters) };
}

function expositionOf(type: string, parameters: ReadonlyMap<string, string>): Exposition | undefined {
  const version = parameters.get("version");
  const asked = escapingSchemes.find((scheme) => scheme === parameters.get("escaping"));
  const escaping = asked ?? "underscores";
  const suffix = asked === undefined ? "" : `; escaping=${asked}`;
  switch (type) {
    case "application/vnd.google.protobuf": {
      const { proto = message, encoding = "delimited" } = Object.fromEntries(parameters);
      if (proto !== message || encoding !== "delimited") return undefined;
      const contentType = `application/vnd.google.protobuf; proto=${message}; encoding=delimited${suffix}`;
      return { format: "protobuf", escaping, contentType };
    }
    case "application/openmetrics-text":
      if (version !== undefined && version !== "1.0.0") return undefined;
      return {
        format: "openmetrics",
        escaping,
        contentType: `application/openmetrics-text; version=1.0.0; charset=utf-8${suffix}`,
      };
    case "text/plain":
      if (version === "1.0.0") {
        return { format: "text", escaping, contentType: `text/plain; version=1.0.0; charset=utf-8${suffix}` };
      }
      // Quoted names came with version 1.0.0.
      if (version !== undefined && version !== "0.0.4") return undefined;
      return asked === undefined || asked === "allow-utf-8"
        ? plainText
        : { ...plainText, escaping, contentType: `${plainText.contentType}${suffix}` };
    default:
      return type === "*/*" || type === "text/*" ? plainText : undefined;
  }
}

const message = "io.prometheus.client.MetricFamily";

function readParameters(parts: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    parts.map((part) => {
      const [name = "", ...value] = part.split("=");
      return [name.trim().toLowerCase(), value.join("=").trim().replaceAll('"', "")] as const;
    }),
  );
}

function qualityOf(parameters: ReadonlyMap<string, string>): number {
  const quality = Number(parameters.get("q") ?? 1);
  return quality >= 0 && quality <= 1 ? quality : 0;
}
