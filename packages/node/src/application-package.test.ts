import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { findApplicationPackage } from "./application-package.ts";

const root = mkdtempSync(path.join(tmpdir(), "meterbridge-application-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function file(name: string, content: object | string): string {
  const target = path.join(root, name);
  mkdirSync(path.dirname(target), { recursive: true });
  writeFileSync(target, typeof content === "string" ? content : JSON.stringify(content));
  return target;
}

file("shop/package.json", { name: "shop", version: "1.2.0" });
file("shop/dist/package.json", { type: "module" });
const main = file("shop/dist/server.js", "");
file("shop/node_modules/next/package.json", { name: "next", version: "15.0.0" });
const tool = file("shop/node_modules/next/bin/next.js", "");
file("broken/package.json", "{");
const broken = file("broken/app.js", "");
symlinkSync(main, path.join(root, "linked.js"));

test("a service is called what the package.json nearest to its main script says, past those without a name", () => {
  expect(findApplicationPackage(main, "/")).toEqual({ name: "shop", version: "1.2.0" });
});

test("a main script given without its extension, or through a link, is found all the same", () => {
  expect(findApplicationPackage(main.replace(".js", ""), "/").name).toBe("shop");
  expect(findApplicationPackage(path.join(root, "linked.js"), "/").name).toBe("shop");
});

test("a service started by a tool from node_modules is not called after the tool", () => {
  expect(findApplicationPackage(tool, path.join(root, "shop")).name).toBe("shop");
});

test("without a main script (node -e) the working directory counts", () => {
  expect(findApplicationPackage(undefined, path.join(root, "shop")).name).toBe("shop");
});

test("a package.json that cannot be read leaves the service without a name and does no harm", () => {
  expect(findApplicationPackage(broken, "/")).toEqual({});
});
