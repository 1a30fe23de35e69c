/**
 * What a pair of `included` and `excluded` means: names with `*` for any characters and `?` for one. Without `included`, all that is not
 * excluded. Undefined where neither is there.
 */
export function includes(
  included: readonly string[] | undefined,
  excluded: readonly string[] | undefined,
): ((name: string) => boolean) | undefined {
  if (included === undefined && excluded === undefined) return undefined;
  const wanted = included?.map(patternOf);
  const unwanted = (excluded ?? []).map(patternOf);
  return (name) =>
    (wanted === undefined || wanted.some((pattern) => pattern.test(name))) &&
    !unwanted.some((pattern) => pattern.test(name));
}

function patternOf(text: string): RegExp {
  const escaped = text.replaceAll(/[\\^$.+()[\]{}|]/g, String.raw`\$&`).replaceAll(/\*+/g, "*");
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`, "s");
}
