import { readFileSync } from "node:fs";
import type { NamedFile, TlsFiles } from "./settings.ts";

/** What an `https.Agent` takes. */
export interface TlsMaterial {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/**
 * Reads the PEM files once, at start.
 *
 * @throws Error naming the option or variable whose file cannot be read or used.
 */
export function readTlsFiles(files: TlsFiles): TlsMaterial {
  const { certificate, clientCertificate, clientKey } = files;
  const material: { ca?: Buffer; cert?: Buffer; key?: Buffer } = {};
  if (certificate !== undefined) {
    // A trust store that holds no certificate is taken in silence by TLS, and every connection fails later.
    material.ca = readPem(certificate, checkCertificate);
  }
  if (clientCertificate !== undefined && clientKey !== undefined) {
    const cert = readPem(clientCertificate, checkCertificate);
    material.cert = cert;
    material.key = readPem(clientKey, (key) => checkKey(cert, key));
  }
  return material;
}

// Not imported: most services have no TLS files, and start faster for it.

function checkCertificate(content: Buffer): void {
  const { X509Certificate } = process.getBuiltinModule("node:crypto");
  void new X509Certificate(content);
}

function checkKey(cert: Buffer, key: Buffer): void {
  process.getBuiltinModule("node:tls").createSecureContext({ cert, key });
}

function readPem(file: NamedFile, check: (content: Buffer) => void): Buffer {
  try {
    const content = readFileSync(file.path);
    check(content);
    return content;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`[meterbridge] [otlp] ${file.who} must name a usable PEM file, found "${file.path}": ${reason}`, {
      cause: error,
    });
  }
}
