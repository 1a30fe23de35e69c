import type { IncomingMessage } from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { type DiagLogger, trace } from "@opentelemetry/api";
import type { Exporter } from "@meterbridge/exporter";
import { startDatabaseMeters } from "./database-meters.ts";
import type { ChosenInstrumentations } from "./instrumentations-choice.ts";
import { meterProviderWithout } from "./instrumentations-meter-provider.ts";
import { registerModuleHooks } from "./instrumentations-module-hooks.ts";
import type { Instrumentation } from "./instrumentations-official.ts";
import { searchDirectories } from "./load-package.ts";

/** Instrumentations that are at work. */
export interface RunningInstrumentations {
  /** The official ones, for the status line. */
  readonly names: readonly string[];
  stop(): void;
}

export interface InstrumentationSurroundings {
  /** Whether anything is recorded. Without, our own meters would work for nothing. */
  readonly metering: boolean;
  /** The exporters, whose own servers' requests are not the application's. */
  readonly exporters: readonly Exporter[];
  readonly logger: DiagLogger;
}

/** Switches on what was chosen: our own meters first, which load nothing but themselves, then what the official ones load. */
export function startInstrumentations(
  { own, official, failures }: ChosenInstrumentations,
  { metering, exporters, logger }: InstrumentationSurroundings,
): RunningInstrumentations {
  const undo: (() => void)[] = [];
  // The application runs without any of them, so none may keep it from starting.
  const attempt = <Part>(name: string, begin: () => Part): Part | undefined => {
    try {
      return begin();
    } catch (error) {
      const [reason] = (error instanceof Error ? error.message : String(error)).split("\n");
      logger.error(`the instrumentation ${name} cannot be started: ${reason}`);
      return undefined;
    }
  };
  if (metering && own.has("requests")) undo.push(attempt("requests", startRequestMeters) ?? (() => {}));
  if (metering && own.has("databases")) undo.push(attempt("databases", startDatabaseMeters) ?? (() => {}));
  for (const failure of failures) logger.warn(failure);
  const ports = ownPorts(exporters);
  const isOwnRequest = ({ socket }: IncomingMessage): boolean => ports.has(socket.localPort ?? 0);
  const made = official.map((each) => attempt(each.name, () => each.create({ isOwnRequest })));
  const running = made.flatMap((each) => each ?? []);
  for (const each of running) {
    attempt(each.instrumentationName, () => {
      each.setTracerProvider(trace.getTracerProvider());
      each.setMeterProvider(meterProviderWithout((name) => isOurs(name, each, own)));
      each.enable();
    });
  }
  if (running.length > 0) {
    attempt("of ES modules", () => registerModuleHooks(mainFiles(official), modulesOf(running), logger));
  }
  undo.push(() => running.forEach((each) => each.disable()));
  return {
    names: official.filter((_, index) => made[index] !== undefined).map(({ name }) => name),
    stop: () => undo.forEach((each) => each()),
  };
}

function startRequestMeters(): () => void {
  const require = createRequire(import.meta.url);
  return (require("@meterbridge/http/requests") as typeof import("@meterbridge/http/requests")).startRequestMeters();
}

/** What our meters record of what the instrumentation records too. */
function isOurs(name: string, { instrumentationName }: Instrumentation, own: ChosenInstrumentations["own"]): boolean {
  if (name.startsWith("gen_ai.client.")) return true;
  if (name === "db.client.operation.duration") return own.has("databases") && metered.test(instrumentationName);
  return own.has("requests") && /^http\.(?:client|server)\.(?:request\.duration|active_requests)$/.test(name);
}

const metered = /instrumentation-(?:ioredis|mongodb|mysql2|pg|redis)$/;

/** Those given as objects have been loaded by the application. */
function mainFiles(official: ChosenInstrumentations["official"]): string[] {
  const [workingDirectory = process.cwd()] = searchDirectories();
  return official.map(({ file }) => file ?? path.join(workingDirectory, "package.json"));
}

function modulesOf(running: readonly Instrumentation[]): string[] {
  return [...new Set(running.flatMap((each) => (each.getModuleDefinitions?.() ?? []).map(({ name }) => name)))];
}

function ownPorts(exporters: readonly Exporter[]): ReadonlySet<number> {
  const ports = exporters.map(({ target }) => Number(target === undefined ? 0 : (URL.parse(target)?.port ?? 0)));
  return new Set(ports.filter((port) => port > 0));
}
