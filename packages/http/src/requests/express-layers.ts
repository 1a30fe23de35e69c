/** How a router of Express knows what is mounted where. */
export interface Layer {
  /** Express 5: whether it is mounted on `/`, its functions that match a path, and since 5.3 its patterns. */
  readonly slash?: boolean;
  readonly matchers?: readonly ((path: string) => false | { readonly path: string; readonly params: Parameters })[];
  readonly rawPath?: unknown;
  /** Express 4. */
  readonly regexp?: RegExp & { readonly fast_slash?: boolean };
  readonly keys?: readonly { readonly name: string | number }[];
}

type Parameters = Readonly<Record<string, unknown>>;

/** How much of the beginning of the path the layer is mounted on, and the template of that. */
export function matchOf(
  layer: Layer,
  path: string,
): { readonly length: number; readonly template: string } | undefined {
  if (layer.slash === true || layer.regexp?.fast_slash === true) return { length: 0, template: "" };
  const match = layer.matchers === undefined ? matchOfRegexp(layer, path) : matchOfMatchers(layer, path);
  if (match === undefined) return undefined;
  const matched = withoutSlash(match.path);
  const after = path[matched.length];
  if (!path.startsWith(matched) || (after !== undefined && after !== "/")) return undefined;
  return { length: matched.length, template: match.template ?? withNames(matched, match.parameters) };
}

interface Match {
  readonly path: string;
  /** Where the framework keeps it. */
  readonly template?: string | undefined;
  /** Undefined when it was matched by a regular expression, whose groups need not hold all that varies. */
  readonly parameters?: Parameters | undefined;
}

function matchOfMatchers({ matchers = [], rawPath }: Layer, path: string): Match | undefined {
  for (const [index, matcher] of matchers.entries()) {
    const match = matcher(path);
    if (match === false) continue;
    const pattern: unknown = Array.isArray(rawPath) ? rawPath[index] : rawPath;
    const template = typeof pattern === "string" ? withoutSlash(pattern) : undefined;
    // path-to-regexp makes parameters without a prototype; Express's own of regular expressions have one.
    const isPattern = Object.getPrototypeOf(match.params) === null;
    return { path: match.path, template, parameters: isPattern ? match.params : undefined };
  }
  return undefined;
}

/** Express 4 makes one expression of all patterns, whose groups tell where in the path each value is. */
function matchOfRegexp({ regexp, keys = [] }: Layer, path: string): Match | undefined {
  if (regexp === undefined) return undefined;
  // Of a regular expression that the application wrote, what varies need not be in groups.
  const isPattern = regexp.source.endsWith("\\/?(?=\\/|$)");
  const match = withIndices(regexp).exec(path);
  if (match === null) return undefined;
  if (!isPattern) return { path: match[0] };
  const written = regexp.ignoreCase ? inLowerCase : asItIs;
  let template = "";
  let end = 0;
  for (const [index, { name }] of keys.entries()) {
    const [from, to] = match.indices?.[index + 1] ?? [end, end];
    if (to === from) continue;
    template += written(path.slice(end, from)) + (typeof name === "number" ? "*" : `:${name}`);
    end = to;
  }
  return { path: match[0], template: withoutSlash(template + written(match[0].slice(end))) };
}

const indexed = new WeakMap<RegExp, RegExp>();

function withIndices(regexp: RegExp): RegExp {
  let made = indexed.get(regexp);
  if (made === undefined) indexed.set(regexp, (made = new RegExp(regexp.source, `${regexp.flags.replace("g", "")}d`)));
  return made;
}

/** The matched path with its values replaced by their names: `/tenants/42` by `{ id: "42" }` is `/tenants/:id`. */
function withNames(matched: string, parameters: Parameters | undefined): string {
  if (parameters === undefined) return "/*";
  const names = new Map(
    Object.entries(parameters).flatMap(([name, value]) => (value === undefined ? [] : [[value, name]])),
  );
  const replaced = new Set<string>();
  const segments = matched.split("/").map((segment) => {
    const name = names.get(decoded(segment));
    // Before 5.3 nothing tells the pattern, nor whether case counts: clients choose it, and must not choose the route's name.
    if (name === undefined) return inLowerCase(segment);
    replaced.add(name);
    return `:${name}`;
  });
  // A value that is only part of a segment, or several of them, would be left in.
  return replaced.size === names.size ? segments.join("/") : "/*";
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** How many there are of a route must not depend on how clients write it. */
function inLowerCase(path: string): string {
  return path.toLowerCase();
}

function asItIs(path: string): string {
  return path;
}

function withoutSlash(path: string): string {
  return path.endsWith("/") ? path.slice(0, -1) : path;
}
