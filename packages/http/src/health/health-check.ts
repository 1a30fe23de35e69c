/** One dependency to be looked at. */
export interface HealthCheck {
  /** Under which its result is shown: letters, digits, `.`, `_`, `-`, at most 64. */
  readonly name: string;
  /**
   * Looks at it. Healthy when it resolves, unhealthy when it rejects or gives `false` or a `Response` that is not `ok`; a
   * {@link HealthVerdict} says it itself. The signal is aborted at the deadline.
   */
  readonly check: (signal: AbortSignal) => unknown;
  /** Whether the application cannot serve without it. One that is not required degrades it at most. Default true. */
  readonly required?: boolean;
  /** How long it may take, in milliseconds. Default 800: Kubernetes gives a probe one second unless told otherwise. */
  readonly timeoutMillis?: number;
  /** How long a result holds, in milliseconds. Default 1,000. */
  readonly cacheMillis?: number;
}

/** What a check says of its dependency where neither resolving nor rejecting says it. */
export interface HealthVerdict {
  readonly status: HealthStatus;
  /** A code of at most 64 letters, digits and `.`, `,`, `_`, `-`: it is shown to whoever asks. Anything else is shown as `failed`. */
  readonly reason?: string;
}

export type HealthStatus = "healthy" | "degraded" | "unhealthy";

/** What is shown of a check. Never a message: drivers put addresses, users and passwords there. */
export interface CheckReport {
  readonly status: HealthStatus;
  readonly required: boolean;
  /** How long the check took when it was last made, which may be up to `cacheMillis` ago. */
  readonly durationMillis: number;
  /** A code, where it is not healthy: `timeout`, one of the system's or the database's (`ECONNREFUSED`, `57P03`), else `failed`. */
  readonly reason?: string;
}

/** A check and what is known of its dependency. */
export interface WatchedCheck {
  readonly name: string;
  readonly required: boolean;
  /** The last result while it holds, else a new one, which all who ask meanwhile share. Never rejects. */
  result(): Promise<CheckResult>;
}

/** What a check came to, with what it threw, which is for the application's own eyes. */
export interface CheckResult {
  readonly report: CheckReport;
  readonly error: unknown;
}
