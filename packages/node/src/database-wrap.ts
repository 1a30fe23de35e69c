type Method = (this: unknown, ...given: unknown[]) => unknown;

/**
 * Puts a method of ours before one of a class; undefined where there is no such class or method. The function takes it out again; where
 * somebody has put another one before it since, it stays and passes on what it is given.
 */
export function wrapMethod(
  clientClass: unknown,
  name: string,
  wrap: (original: Method) => (this: never, ...given: unknown[]) => unknown,
): (() => void) | undefined {
  const prototype = (clientClass as { readonly prototype?: Record<string, unknown> }).prototype;
  const original = prototype?.[name];
  if (prototype === undefined || typeof original !== "function") return undefined;
  const wrapped = wrap(original as Method) as Method;
  let active = true;
  const method: Method = function (...given) {
    return (active ? wrapped : (original as Method)).apply(this, given);
  };
  Object.defineProperty(method, "name", { value: name });
  Object.defineProperty(method, "length", { value: original.length });
  prototype[name] = method;
  return () => {
    active = false;
    if (prototype[name] === method) prototype[name] = original;
  };
}
