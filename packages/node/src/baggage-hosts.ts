/** A host that attribution may be sent to, as `METERBRIDGE_BAGGAGE_HOSTS` names it: `billing.internal`, `*.internal`, `localhost:8080`. */
export interface HostPattern {
  /** Lower-case; beginning with a dot for every host below it; `*` for every host. */
  readonly name: string;
  /** Undefined: any. */
  readonly port: number | undefined;
}

/** The pattern that a text stands for; undefined when it stands for none. */
export function parseHostPattern(text: string): HostPattern | undefined {
  const [, name, digits] = pattern.exec(text) ?? [];
  const port = digits === undefined ? undefined : Number(digits);
  if (name === undefined || (port !== undefined && (port < 1 || port > 65_535))) return undefined;
  return { name: name.startsWith("*.") ? name.slice(1).toLowerCase() : name.toLowerCase(), port };
}

/** Whether one of the patterns covers the host. A port that is not known is covered by no pattern that names one. */
export function coversHost(patterns: readonly HostPattern[], host: string, port: number | undefined): boolean {
  const name = host.toLowerCase().replace(/\.$/, "");
  return patterns.some((each) => {
    if (each.port !== undefined && each.port !== port) return false;
    if (each.name === "*") return true;
    // A dot too many in front: `*.internal` covers neither `internal` nor `.internal`.
    return each.name.startsWith(".") ? name.length > each.name.length && name.endsWith(each.name) : name === each.name;
  });
}

// A name, `*`, `*.` and a name, or an IPv6 address in brackets; and perhaps a port.
const pattern = /^(\*|(?:\*\.)?[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?|\[[0-9a-f:.]+\])(?::(\d{1,5}))?$/i;
