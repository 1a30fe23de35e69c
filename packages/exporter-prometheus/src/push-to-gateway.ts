import type { Exporter } from "@meterbridge/exporter";
import type { DiagLogger } from "@opentelemetry/api";
import { AggregationTemporality, AggregationType, type MetricProducer } from "@opentelemetry/sdk-metrics";
import { checkGatewayOptions, gatewayPrefix as prefix } from "./gateway-options.ts";
import { gatewayUrl } from "./gateway-url.ts";
import type { BasicAuth } from "./prometheus-options.ts";
import { render } from "./render-text.ts";

export interface PushToGatewayOptions {
  /** Address of the Pushgateway, for example `"http://pushgateway:9091"`. Credentials in it are refused: there are options for them. */
  readonly url: string;
  /** The label `job` of everything that is pushed. */
  readonly job: string;
  /** Further labels that tell this group from others, for example `{ instance: "nightly-3" }`. Default none. */
  readonly grouping?: Readonly<Record<string, string>>;
  /** `"PUT"` replaces all metrics of the group, `"POST"` those of the same names. Default `"PUT"`. */
  readonly method?: "PUT" | "POST";
  /** How long a push may take, in milliseconds. Default 3,000. */
  readonly timeoutMillis?: number;
  readonly bearerToken?: string;
  readonly basicAuth?: BasicAuth;
}

/** Pushes the metrics of a job that ends before anybody could scrape it. */
export interface PushgatewayExporter extends Exporter {
  readonly name: "pushgateway";
  /** Pushes what was recorded so far. Rejects with an `Error` of one line when it does not arrive; nothing is lost by that. */
  push(): Promise<void>;
  /** Has the gateway forget the group. Rejects like `push`. */
  delete(): Promise<void>;
}

/**
 * An exporter that pushes to a Pushgateway, when it is asked to and at `forceFlush` and `shutdown`. At these a failure is told on the
 * diagnostics log and not thrown.
 *
 * For batch jobs alone: what was pushed stays in the gateway until it is deleted. Throws an `Error` when an option is wrong.
 */
export function pushToGateway(options: PushToGatewayOptions): PushgatewayExporter {
  const { method = "PUT", timeoutMillis = 3000, url, job, grouping = {} } = checkGatewayOptions(options);
  const target = gatewayUrl(url, job, grouping);
  let producer: MetricProducer | undefined;
  let failure: string | undefined;

  const send = async (verb: "PUT" | "POST" | "DELETE", signal: AbortSignal, body?: string): Promise<void> => {
    const response = await fetch(target, {
      method: verb,
      headers: { ...authorization(options), ...(body === undefined ? {} : { "content-type": contentType }) },
      ...(body === undefined ? {} : { body }),
      redirect: "error",
      signal,
    });
    const reason = (await response.text()).trim().replace(/\s+/g, " ").slice(0, 200);
    if (!response.ok)
      throw new Error(`the Pushgateway answered ${response.status}${reason === "" ? "" : `: ${reason}`}`);
  };

  const push = async (): Promise<void> => {
    if (producer === undefined) throw new Error(`${prefix} push() needs a started exporter: pass it to start()`);
    const signal = AbortSignal.timeout(timeoutMillis);
    const { resourceMetrics } = await producer.collect({ timeoutMillis });
    await tried(() => send(method, signal, render(resourceMetrics)));
  };

  const tried = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
      failure = undefined;
    } catch (error) {
      failure = explain(error, timeoutMillis);
      throw new Error(`${prefix} job "${job}" could not be pushed to ${target}: ${failure}`, { cause: error });
    }
  };

  const pushQuietly = async (diag: DiagLogger): Promise<void> => {
    const before = failure;
    try {
      await push();
      if (before !== undefined) diag.warn(`${prefix} pushing to ${target} works again`);
    } catch (error) {
      if (failure === undefined || failure !== before) diag.error((error as Error).message);
    }
  };

  return {
    specificationVersion: 1,
    name: "pushgateway",
    target,
    isFailing: () => failure !== undefined,
    push,
    delete: () => tried(() => send("DELETE", AbortSignal.timeout(timeoutMillis))),
    createReader({ diag }) {
      let shutdown: Promise<void> | undefined;
      let own: MetricProducer | undefined;
      return {
        setMetricProducer(given) {
          if (own !== undefined) {
            throw new Error(
              `${prefix} this reader already belongs to a meter provider: call createReader for each provider`,
            );
          }
          producer = own = given;
        },
        selectAggregationTemporality: () => AggregationTemporality.CUMULATIVE,
        selectAggregation: () => ({ type: AggregationType.DEFAULT }),
        selectCardinalityLimit: () => 10_000,
        async collect(collectionOptions) {
          if (own === undefined) throw new Error(`${prefix} the exporter has no meter provider yet`);
          return await own.collect(collectionOptions);
        },
        forceFlush: () => (shutdown === undefined ? pushQuietly(diag) : Promise.resolve()),
        shutdown() {
          shutdown ??= pushQuietly(diag).finally(() => {
            if (producer === own) producer = undefined;
          });
          return shutdown;
        },
      };
    },
  };
}

const contentType = "text/plain; version=0.0.4; charset=utf-8";

function authorization({ bearerToken, basicAuth }: PushToGatewayOptions): Readonly<Record<string, string>> {
  if (bearerToken !== undefined) return { authorization: `Bearer ${bearerToken}` };
  if (basicAuth === undefined) return {};
  const pair = Buffer.from(`${basicAuth.username}:${basicAuth.password}`).toString("base64");
  return { authorization: `Basic ${pair}` };
}

function explain(error: unknown, timeoutMillis: number): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return `no answer within ${timeoutMillis} ms`;
  const { cause } = error;
  return cause instanceof Error && "code" in cause ? String(cause.code) : error.message;
}
