import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

/** A certificate of localhost that nobody signed but itself. */
export async function certificate(): Promise<{ readonly key: Buffer; readonly cert: Buffer }> {
  const directory = await mkdtemp(path.join(tmpdir(), "meterbridge-certificate-"));
  const key = path.join(directory, "key.pem");
  const cert = path.join(directory, "cert.pem");
  try {
    const what = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"];
    await promisify(execFile)("openssl", [...what, "-subj", "/CN=localhost", "-keyout", key, "-out", cert]);
    return { key: await readFile(key), cert: await readFile(cert) };
  } finally {
    await rm(directory, { recursive: true });
  }
}
