import type { ExpositionFormat } from "./render-text.ts";

/** The `Content-Type` of each format. */
export const contentTypes: Readonly<Record<ExpositionFormat, string>> = {
  text: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

/**
 * The format to answer with. OpenMetrics 1.0 where the `Accept` header names it with the highest quality (at equal quality the
 * one named first), else text 0.0.4: also for a header that accepts neither, since an answer helps more than a refusal.
 */
export function chooseFormat(accept: string | null | undefined): ExpositionFormat {
  let best: ExpositionFormat = "text";
  let bestQuality = 0;
  for (const range of (accept ?? "").split(",")) {
    const { format, quality } = readRange(range);
    if (format !== undefined && quality > bestQuality) {
      best = format;
      bestQuality = quality;
    }
  }
  return best;
}

function readRange(range: string): { format: ExpositionFormat | undefined; quality: number } {
  const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
  const values = new Map(
    parameters.map((parameter) => {
      const equals = parameter.indexOf("=");
      return [
        parameter.slice(0, equals).trim(),
        parameter
          .slice(equals + 1)
          .trim()
          .replaceAll('"', ""),
      ] as const;
    }),
  );
  const quality = Number(values.get("q") ?? 1);
  const version = values.get("version");
  return {
    format: formatOf(type, version),
    quality: quality >= 0 && quality <= 1 ? quality : 0,
  };
}

function formatOf(type: string, version: string | undefined): ExpositionFormat | undefined {
  if (type === "application/openmetrics-text" && (version === undefined || version === "1.0.0")) return "openmetrics";
  if (type === "text/plain" && (version === undefined || version === "0.0.4")) return "text";
  return type === "*/*" || type === "text/*" ? "text" : undefined;
}
