/** Who asks: an administrator sees all, a tenant its own rows. */
export type UsageApiCaller =
  | { readonly scope: "admin" }
  | {
      readonly scope: "tenant";
      /** The tenant whose rows may be seen. */
      readonly tenant: string;
    };

/** One bearer token and what it opens. */
export type UsageApiToken = UsageApiCaller & {
  /** At least 32 visible ASCII characters: `openssl rand -hex 32`. */
  readonly token: string;
  /** When it ends, as an ISO 8601 date or time: `2027-01-01`, `2027-01-01T00:00:00Z`. Left out: never. */
  readonly expires?: string;
};

/** Whether a value, such as what an application's `authenticate` gave, says who asks. A tenant without a name would see all. */
export function isCaller(value: unknown): value is UsageApiCaller {
  if (typeof value !== "object" || value === null) return false;
  const { scope, tenant } = value as { readonly scope?: unknown; readonly tenant?: unknown };
  return scope === "admin" ? tenant === undefined : scope === "tenant" && isTenant(tenant);
}

/** What a ledger keeps as a tenant. */
function isTenant(value: unknown): value is string {
  return (
    typeof value === "string" && value !== "" && value.length <= 255 && !value.includes("\0") && value.isWellFormed()
  );
}
