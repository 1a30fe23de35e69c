/**
 * A mapping in the configuration file, which remembers what was asked for. What nobody asked for has no effect, and
 * {@link unread} gives it, so that nothing in the file is dropped in silence. Null stands for what is not there.
 */
export interface Place {
  /** Where it stands, for messages: `meter_provider.readers[0].pull`. Empty for the whole file. */
  readonly path: string;
  readonly keys: readonly string[];
  /** What stands there, whole. */
  value(key: string): unknown;
  // What stands there if it is of this kind, which the schema sees to.
  text(key: string): string | undefined;
  number(key: string): number | undefined;
  flag(key: string): boolean | undefined;
  choice<Choice extends string>(key: string, choices: readonly Choice[]): Choice | undefined;
  texts(key: string): readonly string[] | undefined;
  numbers(key: string): readonly number[] | undefined;
  /** An empty one where there is none. */
  mapping(key: string): Readonly<Record<string, unknown>>;
  /** The mapping that stands there, an empty one where there is none. */
  at(key: string): Place;
  /** The mappings that are listed there. */
  list(key: string): readonly Place[];
  pathOf(key: string): string;
}

/** What was asked for so far: paths, and whether with all that is below. */
export type Reads = Map<string, "whole" | "opened">;

export function placeOf(content: unknown, path: string, reads: Reads): Place {
  const mapping = isMapping(content) ? content : {};
  const pathOf = (key: string): string => (path === "" ? key : `${path}.${key}`);
  const found = (key: string): unknown => (Object.hasOwn(mapping, key) ? (mapping[key] ?? undefined) : undefined);
  const value = (key: string): unknown => {
    reads.set(pathOf(key), "whole");
    return found(key);
  };
  return {
    path,
    keys: Object.keys(mapping),
    pathOf,
    value,
    text: (key) => onlyIf(isText, value(key)),
    number: (key) => onlyIf(isNumber, value(key)),
    flag: (key) => onlyIf(isFlag, value(key)),
    choice: (key, choices) => choices.find((choice) => choice === value(key)),
    texts: (key) => onlyIf(isListOf(isText), value(key)),
    numbers: (key) => onlyIf(isListOf(isNumber), value(key)),
    mapping: (key) => onlyIf(isMapping, value(key)) ?? {},
    at(key) {
      open(pathOf(key), reads);
      return placeOf(found(key), pathOf(key), reads);
    },
    list(key) {
      open(pathOf(key), reads);
      const items = found(key);
      return (Array.isArray(items) ? items : []).map((item, index) => {
        const itemPath = `${pathOf(key)}[${index}]`;
        open(itemPath, reads);
        return placeOf(item, itemPath, reads);
      });
    },
  };
}

/** The outermost paths of what is there and was not asked for. */
export function unread(content: unknown, path: string, reads: Reads): string[] {
  const read = path === "" ? "opened" : reads.get(path);
  if (content === null || content === undefined || read === "whole") return [];
  if (read === undefined) return [path];
  if (Array.isArray(content)) return content.flatMap((item, index) => unread(item, `${path}[${index}]`, reads));
  if (!isMapping(content)) return [];
  const below = placeOf(content, path, reads);
  return below.keys.flatMap((key) => unread(content[key], below.pathOf(key), reads));
}

function isText(found: unknown): found is string {
  return typeof found === "string";
}

function isNumber(found: unknown): found is number {
  return typeof found === "number";
}

function isFlag(found: unknown): found is boolean {
  return typeof found === "boolean";
}

function isListOf<Kind>(is: (item: unknown) => item is Kind): (found: unknown) => found is Kind[] {
  return (found): found is Kind[] => Array.isArray(found) && found.every(is);
}

function onlyIf<Kind>(is: (found: unknown) => found is Kind, found: unknown): Kind | undefined {
  return is(found) ? found : undefined;
}

function open(path: string, reads: Reads): void {
  if (!reads.has(path)) reads.set(path, "opened");
}

function isMapping(content: unknown): content is Readonly<Record<string, unknown>> {
  return typeof content === "object" && content !== null && !Array.isArray(content);
}
