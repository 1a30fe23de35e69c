import { matchOf, type Layer } from "./express-layers.ts";

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
  readonly stack?: readonly MountLayer[];
}

interface MountLayer extends Layer {
  readonly name: string;
  readonly route?: object | undefined;
  readonly handle: Partial<Router & Application>;
}

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
function wayThrough(stack: readonly MountLayer[], path: string, search: Search): string | undefined {
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

function innerOf(
  { name, handle }: MountLayer,
  search: Search,
): { stack: readonly MountLayer[]; search: Search } | undefined {
  const [next, ...below] = search.below;
  if (name === "mounted_app" && next !== undefined) return { stack: stackOf(next), search: { ...search, below } };
  const stack = handle.stack ?? (typeof handle === "function" ? stackOf(handle) : []);
  return stack.length === 0 ? undefined : { stack, search };
}

function stackOf(application: Partial<Application> | undefined): readonly MountLayer[] {
  return application?._router?.stack ?? application?.router?.stack ?? [];
}

/** A copy with memory of its own: a piece of a text would keep the whole URL. */
function ownText(text: string): string {
  return Array.from(text).join("");
}
