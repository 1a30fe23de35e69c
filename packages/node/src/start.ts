import { isMainThread } from "node:worker_threads";
import { diag, metrics } from "@opentelemetry/api";
import { configure, type PriceBook } from "@meterbridge/core";
import { genaiPrices } from "@meterbridge/genai";
import { planBaggage } from "./baggage.ts";
import { startCapture } from "./capture.ts";
import { sendAttribution } from "./baggage-requests.ts";
import { registerContext } from "./context.ts";
import { readConfigFile } from "./config-file.ts";
import type { FileSettings } from "./config-file-settings.ts";
import { disabledBy, type Environment, isVariableSet, readEnvironment } from "./environment.ts";
import { installExitHooks } from "./exit-hooks.ts";
import { withoutOtelVariables } from "./hidden-variables.ts";
import { startInstrumentations } from "./instrumentations.ts";
import { chooseInstrumentations } from "./instrumentations-choice.ts";
import { startLedger } from "./ledger.ts";
import { installLog, type Log } from "./log.ts";
import { startLogs } from "./logs.ts";
import { startMeters } from "./meters.ts";
import { inTurn } from "./pipeline.ts";
import { registeredApi } from "./registered-api.ts";
import { createResource } from "./resource.ts";
import { runningSdk, type Sdk, setRunningSdk } from "./sdk.ts";
import { type Settings, settle } from "./settings.ts";
import { checkOptions, type StartOptions } from "./start-options.ts";
import { isTracing, startTraces } from "./traces.ts";

/**
 * Starts Meterbridge for this process: meters to the exporters, spans if asked for, attribution across `await` and
 * services, a flush before the process ends. Call it before anything else, or preload `@meterbridge/node/register`
 * instead, which does the same from the environment alone.
 *
 * Synchronous. Options win over `METERBRIDGE_*` variables, which win over `OTEL_*` variables and over
 * the file of `OTEL_CONFIG_FILE`, which takes their place. A meter provider that is
 * already registered stays: it is recorded into, and none of ours is made. In a worker thread, and when
 * `METERBRIDGE_DISABLED` is true, nothing is started. When an SDK is running already, that one is returned, with a
 * warning.
 *
 * @throws Error of one line when an option, a variable or an exporter is wrong. Nothing has been started then.
 */
export function start(options: StartOptions = {}): Sdk {
  const running = runningSdk();
  if (running !== undefined) {
    diag.warn("start() was called again; the options of this call have no effect, the first start stays in force");
    return running;
  }
  checkOptions(options);
  const environment = readEnvironment();
  const stopped = whyOff(environment);
  const file = stopped === undefined ? readFile(environment) : undefined;
  const settings = settle(options, environment, file);
  const log = installLog(settings.logLevel, settings.diagLogger);
  try {
    const off = stopped ?? whyOffIn(file, environment);
    if (off !== undefined) return doNothing(off, log);
    // Exporters and instrumentations read variables by themselves.
    return file ? withoutOtelVariables(() => run(settings, environment, log)) : run(settings, environment, log);
  } catch (error) {
    log.uninstall();
    throw error;
  }
}

function run(settings: Settings, environment: Environment, log: Log): Sdk {
  const { shutdownTimeoutMillis, handleSignals } = settings;
  const resource = createResource(settings);
  const baggage = planBaggage(settings);
  // What can be refused comes first, while nothing is running yet.
  const tracing = isTracing(settings.traces);
  const chosen = chooseInstrumentations(settings, tracing);
  const priceBook = priceBookOf(settings);
  configure({
    namespace: settings.namespace,
    attributionLabels: settings.attributionLabels,
    attributionBaggage: baggage.inContext,
    seriesLimit: settings.seriesLimit,
    seriesLimits: settings.seriesLimits,
    genaiSemconv: settings.genaiSemconv,
    priceBook,
  });
  const capture = startCapture(settings.capture, priceBook, tracing);
  // Before the ledger, whose connections carry the mark of what is not the application's.
  const unregisterContext = registerContext(baggage.takesAttribution, settings.propagators);
  const undo = (): void => {
    unregisterContext();
    capture.stop();
  };
  const ledger = startOrUndo(() => startLedger(settings, log.logger), undo);
  const meters = startOrUndo(
    () => startMeters(settings, resource, log.logger),
    () => {
      ledger.end();
      undo();
    },
  );
  // Has core look at the provider now: what it observes (active users) is there from the first scrape on.
  configure({});
  const stopSending = sendAttribution(baggage.sendTo);
  if (baggage.warning !== undefined) log.logger.warn(baggage.warning);
  const traces = startTraces(settings.traces, resource, log.logger, capture.spanProcessors);
  const logs = startLogs(settings.logs, resource, log.logger);
  const metering = registeredApi()?.metrics !== undefined;
  const instrumentations = startInstrumentations(chosen, { metering, exporters: meters.exporters, logger: log.logger });
  const pipelines = [...meters.pipelines, ...traces.pipelines, ...logs.pipelines];
  const all = (action: "forceFlush" | "shutdown"): Promise<void> =>
    inTurn(action, [ledger.pipelines, pipelines], shutdownTimeoutMillis, log.logger);
  const flush = (): Promise<void> => all("forceFlush");
  const removeHooks =
    pipelines.length + ledger.pipelines.length > 0
      ? installExitHooks({ settle: capture.settle, flush, lastMoment: ledger.keepNow, handleSignals })
      : () => {};

  async function end(): Promise<void> {
    removeHooks();
    capture.stop();
    capture.settle();
    instrumentations.stop();
    stopSending();
    ledger.unregister();
    await all("shutdown");
    traces.unregister();
    logs.unregister();
    unregisterContext();
    meters.unregister();
    setRunningSdk(undefined);
    log.uninstall();
  }

  let ended: Promise<void> | undefined;
  const { "service.name": name, "service.version": version } = resource.attributes;
  const official = instrumentations.names.length > 0 ? [`instrumented ${instrumentations.names.join(", ")}`] : [];
  const records = logs.summary === undefined ? [] : [logs.summary];
  const summary = [meters.summary, traces.summary, ...records, ...capture.summary, ...official, ...ledger.summary].join(
    "; ",
  );
  const sdk: Sdk = {
    status: `${[name, version].filter(Boolean).join(" ")}: ${summary}`,
    exporters: meters.exporters,
    meterProvider: meters.provider,
    collect: meters.readings,
    usageQueries: ledger.usageQueries,
    ledgerStatus: ledger.status,
    forceFlush: () => ended ?? flush(),
    shutdown: () => (ended ??= end()),
  };
  setRunningSdk(sdk);
  for (const warning of settings.warnings) log.logger.warn(warning);
  warnOfUnknown(environment.unknown, sdk, log);
  if (environment.OTEL_EXPERIMENTAL_CONFIG_FILE !== undefined) {
    log.logger.warn("OTEL_EXPERIMENTAL_CONFIG_FILE has no effect: its name is OTEL_CONFIG_FILE now");
  }
  log.status(sdk.status);
  return sdk;
}

function priceBookOf({ priceBook, pricesFile }: Settings): PriceBook | null {
  if (priceBook !== undefined) return priceBook;
  return genaiPrices(pricesFile === undefined ? {} : { overridesFile: pricesFile });
}

/** Nothing may be left running when the start fails. */
function startOrUndo<Part>(begin: () => Part, undo: () => void): Part {
  try {
    return begin();
  } catch (error) {
    undo();
    throw error;
  }
}

function whyOff(environment: Environment): string | undefined {
  const variable = disabledBy(environment);
  if (variable !== undefined) return `${variable} is true`;
  // Ports and exporters belong to the process, which the main thread has already started them for.
  return isMainThread ? undefined : "this is a worker thread";
}

function readFile(environment: Environment): FileSettings | undefined {
  const file = environment.OTEL_CONFIG_FILE;
  return file === undefined ? undefined : readConfigFile(file, isVariableSet);
}

/** `METERBRIDGE_DISABLED=false` wins over the file. */
function whyOffIn(file: FileSettings | undefined, environment: Environment): string | undefined {
  if (!file?.disabled || environment.METERBRIDGE_DISABLED !== undefined) return undefined;
  return `"disabled" is true in ${file.file}`;
}

function doNothing(reason: string, log: Log): Sdk {
  const status = `off: ${reason}`;
  log.status(status);
  log.uninstall();
  const nothing = (): Promise<void> => Promise.resolve();
  return {
    status,
    exporters: [],
    meterProvider: metrics.getMeterProvider(),
    collect: () => Promise.resolve([]),
    usageQueries: () => undefined,
    ledgerStatus: () => undefined,
    forceFlush: nothing,
    shutdown: nothing,
  };
}

/** A mistyped variable would otherwise change nothing without a word. Exporters have variables of their own. */
function warnOfUnknown(names: readonly string[], sdk: Sdk, log: Log): void {
  const exporters = ["prometheus", "otlp", ...sdk.exporters.map((exporter) => exporter.name)];
  // Those of the usage API are read by `@meterbridge/http`.
  const owners = [...exporters, "api"];
  const prefixes = owners.map((name) => `METERBRIDGE_${name.toUpperCase().replaceAll("-", "_")}_`);
  for (const name of names) {
    if (!prefixes.some((prefix) => name.startsWith(prefix))) {
      log.logger.warn(`the environment variable ${name} is unknown and has no effect`);
    }
  }
}
