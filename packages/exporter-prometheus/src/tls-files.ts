import type { DiagLogger } from "@opentelemetry/api";
import { readFileSync, statSync } from "node:fs";
import { prefix } from "./option-schemas.ts";
import type { TlsFiles } from "./prometheus-options.ts";

/** What HTTPS needs, read from files. */
export interface TlsMaterial {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca?: Buffer;
  readonly requestCert?: boolean;
}

export interface TlsContext {
  current(): TlsMaterial;
  /** What the files hold since they were changed; undefined while they are as they were. Looks once a minute at most. */
  changed(): TlsMaterial | undefined;
}

/** @throws Error when a file cannot be read, or when certificate and key do not belong together. */
export function readTlsFiles(files: TlsFiles, diag: DiagLogger, lookEveryMillis: number = 60_000): TlsContext {
  let material = readMaterial(files);
  let times = timesOf(files);
  let lookedAt = performance.now();
  return {
    current: () => material,
    changed() {
      if (performance.now() - lookedAt < lookEveryMillis) return undefined;
      lookedAt = performance.now();
      try {
        const now = timesOf(files);
        if (now === times) return undefined;
        material = readMaterial(files);
        times = now;
        diag.info(`${prefix} the certificate was read again`);
        return material;
      } catch (error) {
        // Between the writing of two files they may not fit. The old ones go on until they do.
        diag.warn(`${prefix} the changed certificate is not used: ${(error as Error).message}`);
        return undefined;
      }
    },
  };
}

function readMaterial({ certificateFile, keyFile, clientAuthorityFile }: TlsFiles): TlsMaterial {
  const cert = readOption("tls.certificateFile", certificateFile);
  const key = readOption("tls.keyFile", keyFile);
  const ca = clientAuthorityFile === undefined ? undefined : readOption("tls.clientAuthorityFile", clientAuthorityFile);
  const material: TlsMaterial = { cert, key, ...(ca === undefined ? {} : { ca, requestCert: true }) };
  try {
    process.getBuiltinModule("node:tls").createSecureContext(material);
  } catch (error) {
    throw new Error(
      `${prefix} option "tls" must name a certificate and its own key in PEM form, found ${certificateFile} and ${keyFile}: ` +
        (error as Error).message,
      { cause: error },
    );
  }
  return material;
}

function readOption(option: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? "unreadable";
    throw new Error(`${prefix} option "${option}" must name a file that can be read, found "${file}" (${reason})`, {
      cause: error,
    });
  }
}

function timesOf({ certificateFile, keyFile, clientAuthorityFile }: TlsFiles): string {
  const files = [certificateFile, keyFile, ...(clientAuthorityFile === undefined ? [] : [clientAuthorityFile])];
  return files.map((file) => statSync(file).mtimeMs).join();
}
