import { readFileSync } from "node:fs";
import path from "node:path";
import { parseSync, Visitor } from "rolldown/utils";

/** One place where a source file names another module. */
export interface Import {
  readonly specifier: string;
  /** `types` leaves no trace at run time, `static` loads with the file, `lazy` when the call is reached. */
  readonly kind: "types" | "static" | "lazy";
  /** Whether a relative specifier points outside the package's `src`. */
  readonly leavesPackage: boolean;
  /** Relative to the package. */
  readonly file: string;
  readonly line: number;
}

/** Every import of a source file: statements, re-exports, `import()`, `import("…").Type`, `require` and `require.resolve`. */
export function importsOf(
  packageDirectory: string,
  file: string,
  source: string = readFileSync(file, "utf8"),
): Import[] {
  const { program, errors } = parseSync(file, source);
  const [error] = errors;
  if (error !== undefined) throw new Error(`${file} cannot be parsed: ${error.message}`);
  const found: Import[] = [];
  const add = (kind: Import["kind"], specifier: unknown, start: number): void => {
    if (typeof specifier !== "string") return;
    const target = path.resolve(path.dirname(file), specifier);
    found.push({
      specifier,
      kind,
      leavesPackage: specifier.startsWith(".") && !target.startsWith(path.join(packageDirectory, "src") + path.sep),
      file: path.relative(packageDirectory, file),
      line: source.slice(0, start).split("\n").length,
    });
  };
  new Visitor({
    ImportDeclaration(node) {
      add(node.importKind === "type" ? "types" : "static", node.source.value, node.start);
    },
    ExportNamedDeclaration(node) {
      add(node.exportKind === "type" ? "types" : "static", node.source?.value, node.start);
    },
    ExportAllDeclaration(node) {
      add(node.exportKind === "type" ? "types" : "static", node.source.value, node.start);
    },
    ImportExpression(node) {
      if (node.source.type === "Literal") add("lazy", node.source.value, node.start);
    },
    TSImportType(node) {
      add("types", node.source.value, node.start);
    },
    CallExpression(node) {
      const called = source.slice(node.callee.start, node.callee.end);
      const [argument] = node.arguments;
      if (!/require|\.resolve$/i.test(called) || argument?.type !== "Literal") return;
      // Whether the call is reached while the file loads cannot be told from here.
      add("lazy", argument.value, node.start);
    },
  }).visit(program);
  return found;
}
