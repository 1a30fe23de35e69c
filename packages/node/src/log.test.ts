import { diag, DiagLogLevel } from "@opentelemetry/api";
import { afterEach, expect, test, vi } from "vitest";
import { keepingLogger } from "../test/support.ts";
import { installLog, loggerNamed } from "./log.ts";

afterEach(() => {
  vi.restoreAllMocks();
  diag.disable();
});

test("a logger that the application has set stays in force", () => {
  const theirs = keepingLogger();
  diag.setLogger(theirs, DiagLogLevel.WARN);
  const log = installLog("debug", undefined);
  log.logger.warn("trouble");
  log.uninstall();
  diag.warn("more");
  expect(theirs.lines).toEqual(["warn: trouble", "warn: more"]);
});

test("a logger given as an option takes over and gets the status line as well", () => {
  diag.setLogger(keepingLogger(), DiagLogLevel.WARN);
  const ours = keepingLogger();
  const log = installLog("info", ours);
  diag.warn("trouble");
  log.status("running");
  log.uninstall();
  diag.warn("nobody is listening now");
  expect(ours.lines).toEqual(["warn: trouble", "info: running"]);
});

test("an exporter's lines carry its name, once", () => {
  const logger = keepingLogger();
  const named = loggerNamed("otlp", logger);
  named.warn("refused");
  named.warn("[meterbridge] [otlp] refused");
  expect(logger.lines).toEqual(["warn: [otlp] refused", "warn: [meterbridge] [otlp] refused"]);
});
