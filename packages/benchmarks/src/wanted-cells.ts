/**
 * Tells which cells are wanted: those whose names begin as asked, `durable` or `durable/sqlite`; all where nothing was asked.
 *
 * @throws Error of one line when a beginning fits no cell.
 */
export function wantedCells(names: readonly string[], asked: readonly string[] | undefined): ReadonlySet<string> {
  if (asked === undefined) return new Set(names);
  const wanted = new Set<string>();
  for (const beginning of asked) {
    const fitting = names.filter((name) => name.startsWith(beginning));
    if (beginning === "" || fitting.length === 0) {
      throw new Error(`no cell begins with "${beginning}": there is ${names.join(", ")}`);
    }
    for (const name of fitting) wanted.add(name);
  }
  return wanted;
}
