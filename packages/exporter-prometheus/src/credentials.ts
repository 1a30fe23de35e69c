import type { BasicAuth } from "./prometheus-options.ts";

/** Who may scrape. Both may be set: either lets in. */
export interface Credentials {
  readonly bearerToken?: string | undefined;
  readonly basicAuth?: BasicAuth | undefined;
}

export interface Gate {
  /** Whether the request's `Authorization` header opens it. Takes the same time whatever is wrong about it. */
  admits(authorization: string | null | undefined): boolean;
  /** What to answer with in `WWW-Authenticate` to who is not admitted. */
  readonly challenge: string;
}

/** Undefined where no credentials are asked for. */
export function createGate({ bearerToken, basicAuth }: Credentials): Gate | undefined {
  if (bearerToken === undefined && basicAuth === undefined) return undefined;
  const { createHash, timingSafeEqual } = process.getBuiltinModule("node:crypto");
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  const expected: Buffer[] = [];
  const challenges: string[] = [];
  if (bearerToken !== undefined) {
    expected.push(digest(`bearer ${bearerToken}`));
    challenges.push('Bearer realm="metrics"');
  }
  if (basicAuth !== undefined) {
    const pair = Buffer.from(`${basicAuth.username}:${basicAuth.password}`).toString("base64");
    expected.push(digest(`basic ${pair}`));
    challenges.push('Basic realm="metrics", charset="UTF-8"');
  }
  return {
    challenge: challenges.join(", "),
    admits(authorization) {
      const [scheme = "", ...rest] = (authorization ?? "").split(" ");
      // Digests are of one length, and say nothing of how much of the secret was right.
      const given = digest(`${scheme.toLowerCase()} ${rest.join(" ").trim()}`);
      let isAdmitted = false;
      for (const one of expected) if (timingSafeEqual(given, one)) isAdmitted = true;
      return isAdmitted;
    },
  };
}
