import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
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
    material.ca = readPem(certificate, (content) => new X509Certificate(content));
  }
  if (clientCertificate !== undefined && clientKey !== undefined) {
    const cert = readPem(clientCertificate, (content) => new X509Certificate(content));
    material.cert = cert;
    material.key = readPem(clientKey, (key) => createSecureContext({ cert, key }));
  }
  return material;
}

function readPem(file: NamedFile, tryToUse: (content: Buffer) => unknown): Buffer {
  try {
    const content = readFileSync(file.path);
    tryToUse(content);
    return content;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`[meterbridge] [otlp] ${file.who} must name a usable PEM file, found "${file.path}": ${reason}`, {
      cause: error,
    });
  }
}
