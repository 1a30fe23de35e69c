import type { Exporter } from "@meterbridge/exporter";
import { otlpPreset } from "@meterbridge/exporter-otlp";
import { dogstatsd } from "./dogstatsd.ts";
import type { DatadogOptions } from "./options.ts";
import { type DatadogSettings, resolveSettings } from "./settings.ts";

/**
 * Sends metrics to Datadog: as OTLP to the Agent, or without one to Datadog's OTLP intake, both as deltas, which Datadog asks for
 * (docs.datadoghq.com, "Producing Delta Temporality Metrics with OpenTelemetry"); or as DogStatsD. Without options it configures itself from the
 * `DD_*` variables. See {@link DatadogOptions}.
 *
 * @throws Error of one line when an option or variable is wrong, or when DogStatsD is asked for and `hot-shots` is not installed.
 */
export function datadog(options: DatadogOptions = {}): Exporter {
  const settings = resolveSettings(options, process.env);
  return settings.mode === "dogstatsd" ? dogstatsd(settings) : overOtlp(settings);
}

function overOtlp({ mode, apiKey, url, resourceAttributes, times }: DatadogSettings): Exporter {
  const isAgentless = mode === "agentless";
  return otlpPreset(
    { name: "datadog", environment: {}, resourceAttributes, hints: isAgentless ? intakeHints : agentHints },
    {
      url,
      temporality: "delta",
      ...times,
      ...(isAgentless && {
        compression: "gzip",
        // Without the Agent nobody else makes tags of the resource (docs.datadoghq.com, "Datadog OTLP Metrics Intake Endpoint").
        headers: { "dd-api-key": apiKey!, "dd-otel-metric-config": `{"resource_attributes_as_tags":true}` },
      }),
    },
  );
}

const intakeHints: Readonly<Record<string, string>> = {
  "401": "Datadog does not know the API key: check DD_API_KEY, and that it belongs to the site in DD_SITE",
  "403": "Datadog refuses the API key: check DD_API_KEY, and that it belongs to the site in DD_SITE",
  "404": "there is no OTLP intake at this address: check DD_SITE",
  "413": "the request is too large even for a single point: attributes must be shorter",
};

const agentHints: Readonly<Record<string, string>> = {
  ECONNREFUSED:
    "no Agent takes OTLP here: set DD_OTLP_CONFIG_RECEIVER_PROTOCOLS_HTTP_ENDPOINT=0.0.0.0:4318 on the Agent, and DD_AGENT_HOST here",
  "404": "this is no OTLP port of an Agent: its port for OTLP over HTTP is 4318",
  "413": "the request is too large even for a single point: attributes must be shorter",
};
