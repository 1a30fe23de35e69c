/** What Express 4 and 5 leave on a request. */
export interface ExpressRequest {
  readonly route?: object | undefined;
  /** Where the router that answers is mounted: with the values of this request, not as a template. */
  readonly baseUrl?: unknown;
  readonly app?: Application | undefined;
}

interface Application {
  /** Express 5. */
  readonly router?: Router;
  /** Express 4. */
  readonly _router?: Router;
  readonly parent?: Application;
}

interface Router {
  readonly stack?: readonly Layer[];
}

interface Layer {
  readonly name: string;
  readonly route?: object | undefined;
  readonly handle: Partial<Router & Application>;
  /** Express 5: whether it is mounted on `/`, its functions that match a path, and since 5.3 its patterns. */
  readonly slash?: boolean;
  readonly matchers?: readonly ((path: string) => false | { readonly path: string; readonly params: Parameters })[];
  readonly rawPath?: unknown;
  /** Express 4. */
  readonly regexp?: RegExp & { readonly fast_slash?: boolean };
  readonly keys?: readonly { readonly name: string | number }[];
}

type Parameters = Readonly<Record<string, unknown>>;

/**
 * The template of the mount that a request is in, such as `/tenants/:id`, by looking for a way through the mounted routers: to the
 * route that answers, else to whatever is mounted there. Undefined when none is found.
 */
export function mountTemplate({ app, route }: ExpressRequest, baseUrl: string): string | undefined {
  if (app === undefined) return undefined;
  const known = templatesOf(route ?? app);
  const found = known.get(baseUrl);
  if (found !== undefined) return found;
  const applications = [app];
  for (let above = app.parent; above !== undefined && applications.length < 16; above = above.parent)
    applications.unshift(above);
  const template = wayThrough(stackOf(applications[0]), baseUrl, { route, below: applications.slice(1) });
  // Mounts with parameters have as many base URLs as there are values.
  if (template !== undefined && known.size < 500 && baseUrl.length < 200) known.set(ownText(baseUrl), template);
  return template;
}

const templates = new WeakMap<object, Map<string, string>>();

function templatesOf(key: object): Map<string, string> {
  let known = templates.get(key);
  if (known === undefined) templates.set(key, (known = new Map()));
  return known;
}

interface Search {
  readonly route: object | undefined;
  /** The applications mounted below, outermost first: their layers do not lead to them. */
  readonly below: readonly Application[];
}

/** The templates of the mounts that lead, through routers in each other, over all of `path`. */
function wayThrough(stack: readonly Layer[], path: string, search: Search): string | undefined {
  for (const layer of stack) {
    if (layer.route !== undefined) {
      if (path === "" && layer.route === search.route) return "";
      continue;
    }
    const match = matchOf(layer, path);
    if (match === undefined) continue;
    const rest = path.slice(match.length);
    const inner = innerOf(layer, search);
    const below = inner === undefined ? undefined : wayThrough(inner.stack, rest, inner.search);
    if (below !== undefined) return match.template + below;
    if (search.route === undefined && rest === "") return match.template;
  }
  return undefined;
}

function innerOf({ name, handle }: Layer, search: Search): { stack: readonly Layer[]; search: Search } | undefined {
  const [next, ...below] = search.below;
  if (name === "mounted_app" && next !== undefined) return { stack: stackOf(next), search: { ...search, below } };
  const stack = handle.stack ?? (typeof handle === "function" ? stackOf(handle) : []);
  return stack.length === 0 ? undefined : { stack, search };
}

function stackOf(application: Partial<Application> | undefined): readonly Layer[] {
  return application?._router?.stack ?? application?.router?.stack ?? [];
}

/** How much of the beginning of the path the layer is mounted on, and the template of that. */
function matchOf(layer: Layer, path: string): { readonly length: number; readonly template: string } | undefined {
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

function matchOfRegexp({ regexp, keys = [] }: Layer, path: string): Match | undefined {
  const match = regexp?.exec(path);
  if (regexp === undefined || match == null) return undefined;
  const parameters = Object.fromEntries(keys.map(({ name }, index) => [String(name), match[index + 1]]));
  // What Express 4 makes of a text ends so.
  return { path: match[0], parameters: regexp.source.endsWith("\\/?(?=\\/|$)") ? parameters : undefined };
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
    if (name === undefined) return segment;
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

function withoutSlash(path: string): string {
  return path.endsWith("/") ? path.slice(0, -1) : path;
}

/** A copy with memory of its own: a piece of a text would keep the whole URL. */
function ownText(text: string): string {
  return Array.from(text).join("");
}
