import type { IncomingMessage } from "node:http";
import type { MeterProvider, TracerProvider } from "@opentelemetry/api";
import { findPackage, loadPackage, searchDirectories } from "./load-package.ts";
import { autoPackage, packageOfInstrumentation } from "./instrumentations-table.ts";

/** An instrumentation as `@opentelemetry/instrumentation` defines it, as far as it matters here. */
export interface Instrumentation {
  readonly instrumentationName: string;
  enable(): void;
  disable(): void;
  setTracerProvider(tracerProvider: TracerProvider): void;
  setMeterProvider(meterProvider: MeterProvider): void;
  getModuleDefinitions?(): readonly { readonly name: string }[];
}

/** An instrumentation that is loaded and not yet made: making it is switching it on. */
export interface LoadedInstrumentation {
  readonly name: string;
  /** The package's main file, where it is known. */
  readonly file: string | undefined;
  create(context: CreateContext): readonly Instrumentation[];
}

export interface CreateContext {
  /** Whether a request is to the SDK's own servers, such as a scrape. */
  isOwnRequest(request: IncomingMessage): boolean;
}

type InstrumentationClass = new (options?: object) => Instrumentation;

/** The file of an official instrumentation, or of any package named in full; undefined when it is not installed. */
export function findInstrumentation(name: string): string | undefined {
  const directories = searchDirectories();
  const file = findPackage(packageOfInstrumentation(name), directories);
  if (file !== undefined) return file;
  // What auto-instrumentations-node brings along is not everywhere to be seen from the application.
  const auto = findPackage(autoPackage, directories);
  return auto === undefined ? undefined : findPackage(packageOfInstrumentation(name), [auto]);
}

/** @throws Error of one line when the package cannot be loaded, or is no instrumentation. */
export function loadInstrumentation(name: string, file: string): LoadedInstrumentation {
  const packageName = packageOfInstrumentation(name);
  const exports = loadPackage<Record<string, unknown>>(packageName, file, "instrumentation package");
  const found = Object.entries(exports).find(([key, value]) => key.endsWith("Instrumentation") && canBeEnabled(value));
  if (found === undefined) {
    throw new Error(
      `[meterbridge] ${packageName} is not an instrumentation: it exports no class of one (loaded ${file})`,
    );
  }
  const create = found[1] as InstrumentationClass;
  return { name, file, create: (context) => [new create(name === "http" ? httpOptions(context) : {})] };
}

/**
 * Everything that auto-instrumentations-node has.
 *
 * @throws Error of one line when it is not installed.
 */
export function loadAutoInstrumentations(askedBy: string): LoadedInstrumentation {
  const file = findPackage(autoPackage, searchDirectories());
  if (file === undefined) {
    throw new Error(
      `[meterbridge] ${askedBy} asks for "auto", which is ${autoPackage}, and it is not installed: run npm install ${autoPackage}`,
    );
  }
  const { getNodeAutoInstrumentations } = loadPackage<{
    getNodeAutoInstrumentations(options?: object): Instrumentation[];
  }>(autoPackage, file, "instrumentation package");
  if (typeof getNodeAutoInstrumentations !== "function") {
    throw new Error(`[meterbridge] ${autoPackage} exports no function getNodeAutoInstrumentations (loaded ${file})`);
  }
  return {
    name: "auto",
    file,
    create: (context) => getNodeAutoInstrumentations({ [packageOfInstrumentation("http")]: httpOptions(context) }),
  };
}

function httpOptions({ isOwnRequest }: CreateContext): object {
  return { ignoreIncomingRequestHook: isOwnRequest };
}

function canBeEnabled(value: unknown): boolean {
  return (
    typeof value === "function" && typeof (value.prototype as { enable?: unknown } | undefined)?.enable === "function"
  );
}
