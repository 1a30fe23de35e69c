/** What somebody may spend in a window of time. */
export interface Budget {
  /** Unique among the budgets of a ledger; part of the keys in Redis and a label of the meters. */
  readonly name: string;
  /** Whose usage counts. Empty: everybody's, together. */
  readonly scope: BudgetScope;
  readonly limit: BudgetLimit;
  readonly window: BudgetWindow;
  /** The share of the limit from which on reservations are told to be `soft`, 0 to 1. Default 0.8. */
  readonly soft?: number | undefined;
  /** Whether a reservation that does not fit is refused. False: it is granted, and told to be `hard`. Default true. */
  readonly hard?: boolean | undefined;
}

/**
 * A value: the usage with exactly that. `"*"`: each value has a budget of its own, also "not known". Left out: whatever it is.
 * Who has no tenant belongs to the ledger's default tenant.
 */
export interface BudgetScope {
  readonly tenant?: string | undefined;
  readonly employee?: string | undefined;
  readonly project?: string | undefined;
  readonly model?: string | undefined;
}

/** Above 0; money 9 million USD at most. Tokens are input and output tokens together, cached and reasoning ones included. */
export type BudgetLimit = { readonly usd: number } | { readonly nanoUsd: bigint } | { readonly tokens: number };

/**
 * Calendar windows are those of the time zone's clocks (default UTC), weeks begin on Monday. A rolling window looks back so many
 * seconds, in steps: see docs/budgets.md.
 */
export type BudgetWindow =
  | { readonly kind: "hour" | "day" | "week" | "month"; readonly timeZone?: string | undefined }
  | { readonly kind: "rolling"; readonly seconds: number };

/** What was used. What is left out is not known: the budgets that count it then count what was estimated. */
export interface BudgetAmount {
  /** Nano-USD. */
  readonly nanoUsd?: bigint | null | undefined;
  /** Input and output tokens together. */
  readonly tokens?: number | null | undefined;
}

export interface ReserveRequest {
  readonly tenant?: string | null | undefined;
  readonly employee?: string | null | undefined;
  readonly project?: string | null | undefined;
  readonly model?: string | null | undefined;
  /** What it will use at most, or probably. Left out: only refused where nothing is left. */
  readonly estimate: BudgetAmount;
  /** Decides the windows. Default now. */
  readonly at?: Date | undefined;
}

export interface Reservation {
  readonly granted: boolean;
  /** The first budget that had not enough left; undefined when granted, or refused because Redis is gone. */
  readonly refusedBy: string | undefined;
  /** Why not, for logs; undefined when granted. */
  readonly reason: string | undefined;
  /** Of the fullest budget that applies, after this reservation. `hard`: refused, or over a limit that only tells. */
  readonly state: "ok" | "soft" | "hard";
  /** Counts what it really used, and gives back the rest. Once: later calls of either do nothing. Never rejects. */
  commit(actual: BudgetAmount): Promise<void>;
  /** Gives all of it back: the call was not made, or cost nothing. Never rejects. */
  release(): Promise<void>;
}

/** One budget, of one set of values, in its present window, as this process last saw it. */
export interface BudgetState {
  readonly budget: string;
  /** The values of the scope. Null: not known. */
  readonly scope: { readonly [Name in keyof BudgetScope]?: string | null };
  readonly unit: "nanoUsd" | "tokens";
  readonly limit: bigint;
  readonly used: bigint;
  readonly reserved: bigint;
  readonly windowStart: Date;
  /** Undefined for a rolling window. */
  readonly windowEnd: Date | undefined;
}

export interface Budgets {
  /**
   * Reserves the estimate in every budget that applies, or in none.
   * @throws Error when the estimate is no amount; nothing else rejects.
   */
  reserve(request: ReserveRequest): Promise<Reservation>;
  /** The budgets that were used since the process started. */
  state(): readonly BudgetState[];
  /** Raises what was used to what the ledger says. Done every minute already; resolves when it is through. Never rejects. */
  reconcile(): Promise<void>;
  /** Ends the timer, after a last try to deliver what Redis has not got. Idempotent. */
  close(): Promise<void>;
}
