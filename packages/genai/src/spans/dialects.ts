import { aiSdk, aiSdkConventions } from "./dialect-ai-sdk.ts";
import { openInference } from "./dialect-openinference.ts";
import { openTelemetry } from "./dialect-open-telemetry.ts";
import { traceloop } from "./dialect-traceloop.ts";
import type { Dialect, Work } from "./dialect.ts";
import { recordOf, type SpanLike, type SpanView } from "./span-view.ts";

/** The most particular first: all of them use some attributes of OpenTelemetry, and processors of others add their own to any span. */
const dialects: readonly Dialect[] = [aiSdk, aiSdkConventions, traceloop, openTelemetry, openInference];

/** In which dialect the span is written, and what it stands for; undefined when there is nothing to meter. */
export function dialectOf(span: SpanView): { readonly dialect: Dialect; readonly work: Work } | undefined {
  for (const dialect of dialects) {
    const work = dialect.workOf(span);
    if (work === null) return undefined;
    if (work !== undefined) return { dialect, work };
  }
  return undefined;
}

/** Whether any of the attributes is there by which the dialects tell their spans. */
export function mayBeOfModels({ attributes }: SpanLike): boolean {
  const given = recordOf(attributes);
  for (const name of telling) if (given[name] !== undefined) return true;
  return false;
}

const telling = [
  "gen_ai.operation.name",
  "gen_ai.system",
  "ai.operationId",
  "openinference.span.kind",
  "traceloop.span.kind",
  "llm.request.type",
] as const;
