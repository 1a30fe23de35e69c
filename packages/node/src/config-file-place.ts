/**
 * A mapping in the configuration file, which remembers what was asked for. What nobody asked for has no effect, and
 * {@link unread} gives it, so that nothing in the file is dropped in silence. Null stands for what is not there.
 */
export interface Place {
  /** Where it stands, for messages: `meter_provider.readers[0].pull`. Empty for the whole file. */
  readonly path: string;
  readonly keys: readonly string[];
  /** What stands there, whole. */
  value<Value>(key: string): Value | undefined;
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
  return {
    path,
    keys: Object.keys(mapping),
    pathOf,
    value<Value>(key: string) {
      reads.set(pathOf(key), "whole");
      return found(key) as Value | undefined;
    },
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

function open(path: string, reads: Reads): void {
  if (!reads.has(path)) reads.set(path, "opened");
}

function isMapping(content: unknown): content is Readonly<Record<string, unknown>> {
  return typeof content === "object" && content !== null && !Array.isArray(content);
}
