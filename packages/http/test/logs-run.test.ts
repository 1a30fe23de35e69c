import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { startProcess, until } from "../../../test/support/servers.ts";

test("the log of a run parses line by line, and holds none of the secrets that came with its requests", async () => {
  const application = startProcess(process.execPath, [
    "--conditions=@meterbridge/source",
    path.join(import.meta.dirname, "support/logging-application.ts"),
  ]);
  onTestFinished(() => application.stop());
  const port = await until(() => /"port":(\d+)/.exec(application.output())?.[1], "the port");
  const url = `http://127.0.0.1:${port}`;

  const claims = Buffer.from(JSON.stringify({ tenant: "acme", user: "u-1" })).toString("base64url");
  const headers = {
    authorization: `Bearer eyJhbGciOiJIUzI1NiJ9.${claims}.canary-signature`,
    cookie: "session=canary-cookie; theme=dark",
    "x-api-key": "canary-api-key",
    "content-type": "application/json",
    "x-request-id": "run-1",
  };
  const body = JSON.stringify({ password: "canary-password", profile: { creditCard: { cvv_secret: "canary-cvv" } } });
  await fetch(`${url}/login?token=canary-query`, { method: "POST", headers, body });
  await fetch(`${url}/fails?password=canary-query`, { headers: { ...headers, "x-request-id": "run-2\u00e9" } });
  await fetch(`${url}/canary-path?api_key=canary-query`, { headers });
  await until(() => application.output().split('"duration_ms"').length === 4, "the lines of three requests");
  await application.stop();

  const lines = application
    .output()
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  expect(application.output()).not.toMatch(/canary/i);
  const messages = lines.map(({ message }) => String(message).split(" ", 2).join(" "));
  expect(messages.toSorted((one, other) => one.localeCompare(other))).toEqual([
    "asked by",
    "called with",
    "listening",
    "request completed",
    "request completed",
    "request failed",
    "request started",
    "request started",
    "request started",
  ]);
  for (const line of lines.slice(1)) {
    expect(line).toMatchObject({ logger: "shop", request_id: expect.any(String), tenant: "acme", user_id: "u-1" });
  }
});
