/** Gives the prefix back, or throws: braces in front of a hash tag would take its place. */
export function checkPrefix(prefix: string): string {
  if (/^[^{}\s\p{Cc}]{1,100}$/u.test(prefix)) return prefix;
  throw new Error(
    `[meterbridge] [ledger] [redis] option "prefix" must be 1 to 100 characters without braces and spaces, found ${JSON.stringify(prefix)}`,
  );
}
