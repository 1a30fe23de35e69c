import { installedPackages } from "./instrumentations-installed.ts";
import {
  findInstrumentation,
  type Instrumentation,
  loadAutoInstrumentations,
  type LoadedInstrumentation,
  loadInstrumentation,
} from "./instrumentations-official.ts";
import {
  knownInstrumentations,
  type OwnInstrumentation,
  ownInstrumentations,
  packageOfInstrumentation,
} from "./instrumentations-table.ts";
import { searchDirectories } from "./load-package.ts";

/** What the settings say of instrumentations. */
export interface InstrumentationSettings {
  /** Undefined: ours, and with traces the official ones that fit. */
  readonly instrumentations: readonly (Instrumentation | string)[] | undefined;
  /** Who asked for them, for error messages. */
  readonly instrumentationsFrom: string;
}

/** Instrumentations that are found and loaded, and do nothing yet. */
export interface ChosenInstrumentations {
  readonly own: ReadonlySet<OwnInstrumentation>;
  readonly official: readonly LoadedInstrumentation[];
  /** Official ones that nobody named and that cannot be loaded: told, and gone without. */
  readonly failures: readonly string[];
}

/**
 * Finds and loads what is asked for. With nothing said these are our own meters, and, when spans are made, the official instrumentations
 * that are installed together with what they instrument.
 *
 * @throws Error of one line: a name that nobody knows (with those that are known), twice the same, not installed, not loadable.
 */
export function chooseInstrumentations(settings: InstrumentationSettings, tracing: boolean): ChosenInstrumentations {
  const { instrumentations: asked, instrumentationsFrom: askedBy } = settings;
  if (asked === undefined) {
    return { own: new Set(ownInstrumentations), ...(tracing ? fitting() : { official: [], failures: [] }) };
  }
  const twice = asked.find((each, index) => asked.indexOf(each) !== index);
  if (twice !== undefined) throw new Error(`[meterbridge] ${askedBy} names ${label(twice)} twice: name it once`);
  if (asked.length > 1 && (asked.includes("none") || asked.includes("auto"))) {
    const alone = asked.includes("none") ? "none" : "auto";
    throw new Error(`[meterbridge] ${askedBy} names "${alone}" together with others: name it alone`);
  }
  if (asked.includes("none")) return { own: new Set(), official: [], failures: [] };
  if (asked.includes("auto")) {
    return { own: new Set(ownInstrumentations), official: [loadAutoInstrumentations(askedBy)], failures: [] };
  }
  const official = asked.filter((each) => !isOwn(each)).map((each) => load(each, askedBy));
  return { own: new Set(asked.filter(isOwn)), official, failures: [] };
}

/** What is known, and whether it is installed, for a name that is not. */
function knownNames(): string {
  const isInstalled = installedPackages(searchDirectories());
  const official = knownInstrumentations.map(({ name }) =>
    isInstalled(packageOfInstrumentation(name)) ? `${name} (installed)` : name,
  );
  return [...ownInstrumentations, ...official].join(", ");
}

function fitting(): Pick<ChosenInstrumentations, "official" | "failures"> {
  const isInstalled = installedPackages(searchDirectories());
  const official: LoadedInstrumentation[] = [];
  const failures: string[] = [];
  for (const { name, libraries } of knownInstrumentations) {
    if (libraries === null || (libraries.length > 0 && !libraries.some(isInstalled))) continue;
    if (!isInstalled(packageOfInstrumentation(name))) continue;
    try {
      const file = findInstrumentation(name);
      if (file !== undefined) official.push(loadInstrumentation(name, file));
    } catch (error) {
      failures.push((error as Error).message.replace("[meterbridge] ", ""));
    }
  }
  return { official, failures };
}

function load(asked: Instrumentation | string, askedBy: string): LoadedInstrumentation {
  if (typeof asked !== "string") return { name: asked.instrumentationName, file: undefined, create: () => [asked] };
  const file = findInstrumentation(asked);
  if (file !== undefined) return loadInstrumentation(asked, file);
  const packageName = packageOfInstrumentation(asked);
  if (asked.includes("/") || knownInstrumentations.some(({ name }) => name === asked)) {
    throw new Error(
      `[meterbridge] ${askedBy} names "${asked}", ` +
        `${asked === packageName ? "a package that" : `which is ${packageName}, and it`} is not installed: run npm install ${packageName}`,
    );
  }
  throw new Error(
    `[meterbridge] ${askedBy} names "${asked}", which is neither a known name nor an installed ${packageName}: ` +
      `check the spelling. Known names: ${knownNames()}, auto, none, and any installed package that exports an instrumentation`,
  );
}

function isOwn(asked: unknown): asked is OwnInstrumentation {
  return ownInstrumentations.some((each) => each === asked);
}

function label(asked: Instrumentation | string): string {
  return JSON.stringify(typeof asked === "string" ? asked : asked.instrumentationName);
}
