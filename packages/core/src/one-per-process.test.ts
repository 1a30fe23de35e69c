import { expect, test, vi } from "vitest";

test("two copies of the package share one instance, else limits, users and sinks would exist twice", async () => {
  const first = await import("./index.ts");
  vi.resetModules();
  const second = await import("./index.ts");
  expect(second).not.toBe(first);
  for (const name of [
    "llm",
    "workflow",
    "agent",
    "tool",
    "task",
    "users",
    "session",
    "rag",
    "http",
    "database",
  ] as const) {
    expect(second[name], name).toBe(first[name]);
  }
  first.configure({ namespace: "shared" });
  expect(second.describeMeters().map(({ name }) => name)).toContain("shared.llm.cost");
  first.configure({ namespace: "" });
});
