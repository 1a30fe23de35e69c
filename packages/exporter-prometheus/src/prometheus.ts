import type { Exporter } from "@meterbridge/exporter";
import type { AddressInfo } from "node:net";
import { createGate } from "./credentials.ts";
import { unknownVariables } from "./environment.ts";
import { isServing, joinInstances } from "./instances.ts";
import { type PrometheusOptions, resolveOptions } from "./prometheus-options.ts";
import {
  createFetchHandler,
  createMountedHandler,
  createServerHandler,
  type FetchHandler,
  type NodeHandler,
} from "./request-handlers.ts";
import { createScrapeReader, type ScrapeReader } from "./scrape-reader.ts";
import { type ScrapeServer, startScrapeServer, urlOf } from "./scrape-server.ts";
import { readTlsFiles } from "./tls-files.ts";

/** The Prometheus exporter. What it hands out belongs to the reader that was created last. */
export interface PrometheusExporter extends Exporter {
  readonly name: "prometheus";

  /**
   * A handler for node:http or Express, to serve the metrics from the application's own server (with `server: false`). It
   * answers with the metrics at whatever path it is mounted, and with the health where the path ends with `healthPath`. Before the
   * exporter is started and after its shutdown it answers 503.
   */
  handler(): NodeHandler;

  /** The same for servers that take a `Request` and give a `Response`: Hono, Next.js, Bun, Deno. */
  fetchHandler(): FetchHandler;

  /**
   * The current metrics as text: Prometheus's own by default, or OpenMetrics 1.0. Rejects before the exporter is started, after its
   * shutdown, and when collecting fails or takes longer than `scrapeTimeoutMillis`.
   */
  render(format?: "text" | "openmetrics"): Promise<string>;

  /** Where the exporter's own server listens, or undefined while it does not. */
  address(): AddressInfo | undefined;
}

/**
 * An exporter that Prometheus scrapes: protobuf, OpenMetrics 1.0 or text, whichever the scraper prefers, on
 * `http://127.0.0.1:9464/metrics` unless the options or the environment say otherwise.
 *
 * Opens nothing until the exporter is started. Throws an `Error` when an option or environment variable is wrong.
 */
export function prometheus(options: PrometheusOptions = {}): PrometheusExporter {
  const resolved = resolveOptions(options, process.env);
  const gate = createGate(resolved);
  let reader: ScrapeReader | undefined;
  let server: ScrapeServer | undefined;
  const handling = { options: resolved, gate, reader: () => reader };

  return {
    specificationVersion: 1,
    name: "prometheus",
    // Port 0 stands for any free one, which is not known before it is bound.
    ...(resolved.server && resolved.port !== 0 && (resolved.aggregate === undefined || isServing(resolved.aggregate))
      ? { target: urlOf(resolved, resolved.host, resolved.port, resolved.path) }
      : {}),
    isFailing: () => (server?.isFailing() ?? false) || (reader?.isFailing() ?? false),
    createReader(context) {
      for (const message of unknownVariables(process.env)) context.diag.warn(`[meterbridge] [prometheus] ${message}`);
      const instances = resolved.aggregate === undefined ? undefined : joinInstances(resolved.aggregate, context.diag);
      const opensServer = resolved.server && instances?.serves !== false;
      const tls = opensServer && resolved.tls !== undefined ? readTlsFiles(resolved.tls, context.diag) : undefined;
      let ownServer: ScrapeServer | undefined;
      const created = createScrapeReader({
        options: resolved,
        context,
        instances,
        onShutdown: async () => await Promise.all([ownServer?.close(), instances?.leave()]),
      });
      if (opensServer) {
        const handler = createServerHandler({ ...handling, reader: () => created });
        ownServer = startScrapeServer(resolved, handler, context.diag, tls);
      }
      reader = created;
      server = ownServer;
      return created.metricReader;
    },
    handler: () => createMountedHandler(handling),
    fetchHandler: () => createFetchHandler(handling),
    async render(format = "text") {
      if (reader === undefined)
        throw new Error("[meterbridge] [prometheus] render() needs a started exporter: pass it to start()");
      const escaping = resolved.translationStrategy.startsWith("No") ? "allow-utf-8" : "underscores";
      const { pieces } = await reader.scrape({ exposition: { format, escaping } });
      return Buffer.concat(pieces).toString();
    },
    address: () => server?.address(),
  };
}
