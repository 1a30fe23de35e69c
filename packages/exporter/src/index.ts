import type { Attributes, DiagLogger } from "@opentelemetry/api";
import type { IMetricReader } from "@opentelemetry/sdk-metrics";

/**
 * A backend that Meterbridge can export metrics to.
 *
 * An exporter package exports a factory named after its backend, `<backend>(options?)`, and the same function as
 * `createExporter`, so that any installed package can be loaded by name (`METERBRIDGE_EXPORTERS=@scope/my-exporter`).
 *
 * The factory validates its options and throws when one is wrong, naming the option, what was found and what is allowed.
 * It opens nothing: no socket, no timer, no file. An exporter that was created and dropped leaves no trace.
 */
export interface Exporter {
  /** Version of this contract. An incompatible contract gets a new literal. */
  readonly specificationVersion: 1;

  /** Short kebab-case name used in diagnostics, for example `"prometheus"`. */
  readonly name: string;

  /**
   * Where the metrics are to be had or go to, for the status line at start, for example `http://127.0.0.1:9464/metrics`. Holds no
   * credentials. Left out when there is no such place.
   */
  readonly target?: string;

  /**
   * Whether what it tried last did not work, for the application's health. Synchronous, without asking the backend. Left out by
   * an exporter that does not know.
   */
  isFailing?(): boolean;

  /**
   * Called once at start, before the meter provider exists. Must be synchronous, because a preload cannot wait: connect
   * later. The reader belongs to one meter provider; calling again gives an independent reader.
   *
   * From then on the reader keeps these promises: a failing backend never throws into the application; each new state of
   * trouble is told once on `context.diag`; it keeps no process alive; `shutdown()` may be called twice and ends within
   * its deadline (3 seconds unless an option says otherwise), also when the backend hangs.
   */
  createReader(context: ExporterContext): IMetricReader;
}

/** What an exporter is told about the process it runs in. */
export interface ExporterContext {
  /** The resource's attributes, for example `service.name`. For display; data points carry the resource themselves. */
  readonly resourceAttributes: Attributes;

  /** Where the exporter reports trouble. Never print by other means. */
  readonly diag: DiagLogger;

  /** The prefix of the application's own meters (`METERBRIDGE_NAMESPACE`), or `""`. For display in health answers. */
  readonly namespace: string;
}

/** The shape of an exporter package, as loaded by name. */
export interface ExporterModule {
  /** The exporter's factory. Called without options it configures itself from the environment. */
  createExporter(options?: object): Exporter;
}
