/** An object that refers to itself. */
export function cyclic(): object {
  const object: { self?: object } = {};
  object.self = object;
  return object;
}

/** Throws whatever is done with it. */
export function hostileProxy(): object {
  const raise = (): never => {
    throw new Error("hostile");
  };
  return new Proxy(
    {},
    { get: raise, has: raise, ownKeys: raise, getOwnPropertyDescriptor: raise, getPrototypeOf: raise, set: raise },
  );
}

/** An object whose fields all throw when read, and are all listed. */
export function throwingGetters(...fields: readonly string[]): object {
  const object = {};
  for (const field of fields) {
    Object.defineProperty(object, field, {
      enumerable: true,
      get: () => {
        throw new Error("hostile");
      },
    });
  }
  return object;
}

/** Everything an application without types may hand in by mistake, by name. */
export function garbage(): readonly (readonly [name: string, value: unknown])[] {
  return [
    ["null", null],
    ["undefined", undefined],
    ["NaN", NaN],
    ["Infinity", Infinity],
    ["-1", -1],
    ["2^70", 2 ** 70],
    ["a small BigInt", 5n],
    ["a huge BigInt", 2n ** 70n],
    ["an empty text", ""],
    ["a text", "text"],
    ["a text of 1 MB", "x".repeat(1_000_000)],
    ["a lone surrogate", "\ud800"],
    ["true", true],
    ["a Symbol", Symbol("symbol")],
    ["a function", () => 1],
    ["a Date", new Date(0)],
    ["an invalid Date", new Date(NaN)],
    ["an empty object", {}],
    ["an empty list", []],
    ["an object without prototype", Object.create(null)],
    ["a cyclic object", cyclic()],
    ["an object whose texts throw", throwingGetters("toString", "valueOf", "name", "then")],
    ["a hostile proxy", hostileProxy()],
  ];
}
