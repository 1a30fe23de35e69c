/**
 * The one instance of a thing in this process, made at first use. Two installed copies of the package, or two module graphs,
 * share it: series limits, distinct users and sinks must not exist twice.
 */
export function onePerProcess<Thing>(name: string, create: () => Thing): Thing {
  const key = Symbol.for(`meterbridge.core.${name}`);
  const holder = globalThis as { [key: symbol]: Thing | undefined };
  return (holder[key] ??= create());
}
