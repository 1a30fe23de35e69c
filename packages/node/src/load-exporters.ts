import type { Exporter, ExporterModule } from "@meterbridge/exporter";
import { errorInFile } from "./config-file-error.ts";
import type { FileExporter } from "./config-file-settings.ts";
import { createConsoleExporter } from "./console-exporter.ts";
import { explained, findPackage, loadPackage, searchDirectories } from "./load-package.ts";

/** What {@link loadExporters} needs to know beside the list. */
export interface LoadOptions {
  /** Who asked for the exporters, for error messages: a variable's name, an option, the default. */
  readonly askedBy: string;
  /** How often the `console` exporter prints. */
  readonly consoleIntervalMillis: number;
  /** Directories from which packages are looked for, in order. Default: the application's, then our own. */
  readonly directories?: readonly string[];
}

/**
 * Turns names into exporters; objects stay. Only what is named is loaded. Synchronous, since a preload cannot wait.
 *
 * @throws Error of one line: twice the same, not installed (with the names that are), not an exporter, or what the
 * exporter itself has to say about its configuration.
 */
export function loadExporters(list: readonly (Exporter | FileExporter | string)[], options: LoadOptions): Exporter[] {
  const { askedBy } = options;
  const entries = list.map((entry) => (typeof entry === "string" ? packageOf(entry) : entry));
  const twice = list.find((_, index) => entries.indexOf(entries[index] ?? "") !== index);
  if (twice !== undefined) {
    throw new Error(`[meterbridge] ${askedBy} names ${nameOf(twice)} twice: name it once`);
  }
  if (list.includes("none")) {
    if (list.length === 1) return [];
    throw new Error(`[meterbridge] ${askedBy} names "none" together with others: name it alone`);
  }
  return list.map((entry) => {
    if (typeof entry === "string") return named(entry, options);
    return "exporterName" in entry ? ofFile(entry, options) : checked(entry, `an exporter of ${askedBy}`);
  });
}

/** An exporter's name, in whichever way it was asked for. */
export function exporterNameOf(entry: Exporter | FileExporter | string): string {
  if (typeof entry === "string") return entry;
  return "exporterName" in entry ? entry.exporterName : entry.name;
}

/** The package behind each short name. */
const packages: Readonly<Record<string, string>> = {
  prometheus: "@meterbridge/exporter-prometheus",
  otlp: "@meterbridge/exporter-otlp",
  datadog: "@meterbridge/exporter-datadog",
};

function packageOf(name: string): string {
  return Object.hasOwn(packages, name) ? (packages[name] ?? name) : name;
}

function named(name: string, options: LoadOptions, own?: object): Exporter {
  if (name === "console") return createConsoleExporter(options.consoleIntervalMillis);
  const packageName = packageOf(name);
  const file = findPackage(packageName, options.directories ?? searchDirectories());
  if (file === undefined) throw notInstalled(name, packageName, options);
  return create(name, packageName, file, own);
}

/** Errors say where it stands in the file. */
function ofFile({ exporterName, options, from, reader }: FileExporter, load: LoadOptions): Exporter {
  const { intervalMillis: consoleIntervalMillis = load.consoleIntervalMillis } = reader;
  try {
    return named(exporterName, { ...load, askedBy: `OTEL_CONFIG_FILE, ${from}`, consoleIntervalMillis }, options);
  } catch (error) {
    throw errorInFile(error, from);
  }
}

function create(name: string, packageName: string, file: string, own: object | undefined): Exporter {
  const { createExporter } = loadPackage<ExporterModule>(packageName, file, "exporter package");
  if (typeof createExporter !== "function") {
    throw new Error(
      `[meterbridge] ${packageName} is not an exporter: it exports no function createExporter (loaded ${file})`,
    );
  }
  try {
    return checked(createExporter(own), packageName);
  } catch (error) {
    throw explained(error, `exporter "${name}" cannot be created`);
  }
}

function checked(exporter: Exporter, whose: string): Exporter {
  const version: unknown = exporter?.specificationVersion;
  if (version === 1 && typeof exporter.name === "string" && typeof exporter.createReader === "function") {
    return exporter;
  }
  throw new Error(
    `[meterbridge] ${whose} does not follow the exporter contract: specificationVersion must be 1, ` +
      `found ${JSON.stringify(version)}, beside a name and createReader()`,
  );
}

function notInstalled(name: string, packageName: string, options: LoadOptions): Error {
  const directories = options.directories ?? searchDirectories();
  const known = Object.entries(packages).map(
    ([short, itsPackage]) => `${short} (${findPackage(itsPackage, directories) ? "installed" : "not installed"})`,
  );
  // A misspelt name must not send anybody to install whatever package has that name.
  const what =
    name === packageName
      ? `"${name}", which is neither a known name nor an installed package: check the spelling, or install it`
      : `"${name}", which is ${packageName}, and it is not installed: run npm install ${packageName}`;
  return new Error(
    `[meterbridge] ${options.askedBy} names ${what}. ` +
      `Known names: ${known.join(", ")}, console, none, and any installed package that exports createExporter`,
  );
}

function nameOf(entry: Exporter | FileExporter | string): string {
  return JSON.stringify(exporterNameOf(entry));
}
