import { compileFunction } from "node:vm";

/** What is called in the measured loop: `i` is the instrument, `ATTRIBUTES` stands for the attributes of the call. */
export type CallText = string;

/** Under which circumstances values are recorded. */
export interface Circumstances {
  readonly kind: "counter" | "histogram";
  /** How many attributes each call gives: the tenant first, which tells the series apart. */
  readonly attributes: 0 | 2 | 4;
  /** How many series the calls go to, one after the other. */
  readonly series: number;
  /**
   * `fresh`: a new object literal in each call, as applications write it. `reused`: one object per series, made before.
   * `eight-shapes`: fresh, from eight places of the program with other orders of the keys. `bound`: no attributes at the call.
   */
  readonly calls: "fresh" | "reused" | "eight-shapes" | "bound";
}

/** Records `count` times. */
export type Loop = (count: number) => void;

/** Names of tenants of equal length, as identifiers are. */
export function tenantNames(series: number): string[] {
  return Array.from({ length: series }, (_, index) => `tenant-${String(index).padStart(6, "0")}`);
}

export function attributesOf(tenant: string, count: 0 | 2 | 4): Record<string, string> {
  return Object.fromEntries(keys.slice(0, count).map((key) => [key, key === "tenant" ? tenant : constants[key]]));
}

/**
 * Writes the loop out as an application would have it, since the engine treats each literal in the program's text by itself. What
 * is given as `instrument` is `i` in the text.
 */
export function makeLoop(call: CallText, instrument: unknown, circumstances: Circumstances): Loop {
  const { attributes, series, calls } = circumstances;
  const tenants = tenantNames(series);
  const objects = tenants.map((tenant) => attributesOf(tenant, attributes));
  const sites = calls === "eight-shapes" ? orders(keys.slice(0, attributes)) : [keys.slice(0, attributes)];
  const statements = sites.map((order) => {
    const literal = calls === "reused" ? "O[k]" : `{ ${order.map((key) => `${key}: ${valueText(key)}`).join(", ")} }`;
    const values = order.map(valueText).join(", ");
    return `k = k === last ? 0 : k + 1; ${call.replaceAll("ATTRIBUTES", literal).replaceAll("VALUES", values)};`;
  });
  const body = `let k = 0; const last = T.length - 1;
    return function record(count) {
      for (let n = 0; n < count; n += ${statements.length}) { ${statements.join("\n")} }
    };`;
  return (compileFunction(body, ["i", "T", "O"]) as (...given: unknown[]) => Loop)(instrument, tenants, objects);
}

const keys = ["tenant", "provider", "model", "status"] as const;
type Key = (typeof keys)[number];
const constants: Readonly<Record<Key, string>> = {
  tenant: "",
  provider: "openai",
  model: "gpt-5-mini",
  status: "completed",
};

function valueText(key: Key): string {
  return key === "tenant" ? "T[k]" : `"${constants[key]}"`;
}

/** Eight orders of the same keys. */
function orders(of: readonly Key[]): (readonly Key[])[] {
  const turned = of.map((_, index) => [...of.slice(index), ...of.slice(0, index)]);
  return [...turned, ...turned.map((order) => order.toReversed())].slice(0, 8);
}
