/**
 * Where a Pushgateway keeps the metrics of a group: `/metrics/job/<job>/<label>/<value>…`. Values that a path cannot hold as they
 * are go in as base64.
 *
 * Source: Pushgateway's README, "URL".
 */
export function gatewayUrl(url: string, job: string, grouping: Readonly<Record<string, string>>): string {
  const segments = Object.entries({ job, ...grouping }).map(([label, value]) =>
    /^[\w-]+$/.test(value) ? `${label}/${value}` : `${label}@base64/${encoded(value)}`,
  );
  return `${url.replace(/\/+$/, "")}/metrics/${segments.join("/")}`;
}

function encoded(value: string): string {
  return value === "" ? "=" : Buffer.from(value).toString("base64url");
}
