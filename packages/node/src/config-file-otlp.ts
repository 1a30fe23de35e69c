import { readFileSync } from "node:fs";
import type { OtlpTarget, TlsMaterial } from "./config-file-settings.ts";
import type { Place } from "./config-file-place.ts";
import { splitList } from "./parse-lists.ts";

/** What an `otlp_http` exporter says, of any signal. The defaults are the schema's. */
export interface OtlpWords {
  readonly url: string;
  readonly protocol: "http/protobuf" | "http/json";
  readonly headers: Record<string, string>;
  readonly compression: "gzip" | "none";
  /** Infinity for none. */
  readonly timeoutMillis: number;
  readonly tlsFiles: TlsFiles;
}

interface TlsFiles {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

/** Ends the start: `wrong("meter_provider.readers", "must …")`. */
export type Wrong = (path: string, what: string) => Error;

/** @throws Error that names the place, and never the value of a header or an address. */
export function readOtlp(place: Place, signal: "metrics" | "traces" | "logs", wrong: Wrong): OtlpWords {
  const url = place.text("endpoint") ?? `http://localhost:4318/v1/${signal}`;
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) {
    throw wrong(place.pathOf("endpoint"), `must be a URL that begins with http:// or https://`);
  }
  const compression = place.text("compression") ?? "none";
  if (compression !== "gzip" && compression !== "none") {
    throw wrong(place.pathOf("compression"), `must be gzip or none, found ${JSON.stringify(compression)}`);
  }
  const tls = place.at("tls");
  const tlsFiles = {
    ca: tls.text("ca_file"),
    cert: tls.text("cert_file"),
    key: tls.text("key_file"),
  };
  if ((tlsFiles.cert === undefined) !== (tlsFiles.key === undefined)) {
    throw wrong(tls.path, `must have cert_file and key_file together`);
  }
  return {
    url,
    protocol: place.text("encoding") === "json" ? "http/json" : "http/protobuf",
    headers: { ...listedHeaders(place, wrong), ...headers(place, wrong) },
    compression,
    timeoutMillis: timeOf(place, "timeout", 10_000),
    tlsFiles,
  };
}

/** The same for spans and log records, whose exporters take no files. */
export function otlpTarget({ tlsFiles, ...words }: OtlpWords, place: Place, wrong: Wrong): OtlpTarget {
  return { ...words, tls: readTlsFiles(tlsFiles, place.pathOf("tls"), wrong) };
}

/** Zero stands for no limit. */
export function timeOf(place: Place, key: string, otherwise: number): number {
  const found = place.number(key) ?? otherwise;
  return found === 0 ? Infinity : found;
}

const headerName = /^[\w!#$%&'*+.^`|~-]+$/;

function headers(place: Place, wrong: Wrong): Record<string, string> {
  const all: Record<string, string> = {};
  for (const header of place.list("headers")) {
    const name = header.text("name") ?? "";
    const value = header.text("value");
    if (!headerName.test(name)) throw wrong(header.path, "must have the name of an HTTP header");
    if (value !== undefined) all[name.toLowerCase()] = value;
  }
  return all;
}

/** `name=value,name=value`, percent-encoded. */
function listedHeaders(place: Place, wrong: Wrong): Record<string, string> {
  const all: Record<string, string> = {};
  for (const [index, pair] of splitList(place.text("headers_list") ?? "").entries()) {
    const separator = pair.indexOf("=");
    try {
      const name = decodeURIComponent(pair.slice(0, Math.max(0, separator)).trim());
      if (!headerName.test(name)) throw new Error("no name");
      all[name.toLowerCase()] = decodeURIComponent(pair.slice(separator + 1).trim());
    } catch {
      throw wrong(
        place.pathOf("headers_list"),
        `must be written name=value,name=value with percent-encoding, pair ${index + 1} is not`,
      );
    }
  }
  return all;
}

function readTlsFiles(files: TlsFiles, path: string, wrong: Wrong): TlsMaterial {
  const material: { ca?: Buffer; cert?: Buffer; key?: Buffer } = {};
  try {
    for (const name of ["ca", "cert", "key"] as const) {
      const file = files[name];
      if (file !== undefined) material[name] = readFileSync(file);
    }
    // What cannot be used is told now, and not by each connection. Not imported: most services have no such files.
    if (material.ca !== undefined) void new (process.getBuiltinModule("node:crypto").X509Certificate)(material.ca);
    if (material.cert !== undefined) process.getBuiltinModule("node:tls").createSecureContext(material);
  } catch (error) {
    throw wrong(
      path,
      `must name PEM files that can be used: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  return material;
}
