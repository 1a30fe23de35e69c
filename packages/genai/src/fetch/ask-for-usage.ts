import type { CaptureState } from "./capture-state.ts";
import type { ParsedRequest } from "./model-request.ts";

/**
 * The body with which the stream tells its usage; undefined where the caller asked for it, where the provider tells without being asked or is known to
 * refuse, and where a header holds the body to what it is.
 */
export function askForUsage(
  { settings, refusingHosts }: CaptureState,
  { request, json }: ParsedRequest,
): string | Uint8Array<ArrayBuffer> | undefined {
  const { body, route, host, headers } = request;
  if (!settings.askForUsage || json === undefined || body === undefined) return undefined;
  if (
    route.format.withUsageAskedFor === undefined ||
    refusingHosts.has(host) ||
    binding.some((name) => headers.has(name))
  ) {
    return undefined;
  }
  const asking = route.format.withUsageAskedFor(json);
  if (asking === undefined) return undefined;
  const text = typeof body === "string" ? body : new TextDecoder().decode(body);
  const changed = added(text, json, asking) ?? JSON.stringify(asking);
  return typeof body === "string" ? changed : new TextEncoder().encode(changed);
}

/** Whether the answer may be what a provider says that does not know the wish. */
export function refusesToTell({ status }: Response): boolean {
  return status === 400 || status === 422;
}

/** Headers that tell how long the body is, or are a seal on it. */
const binding = ["content-length", "content-digest", "content-md5", "digest", "x-amz-content-sha256"];

/** What is new, put before the rest, which stays as the caller wrote it: to the last digit. */
function added(text: string, before: Record<string, unknown>, after: Record<string, unknown>): string | undefined {
  const names = Object.keys(after).filter((name) => after[name] !== before[name]);
  const start = text.indexOf("{") + 1;
  if (names.some((name) => Object.hasOwn(before, name)) || Object.keys(before).length === 0 || start === 0)
    return undefined;
  const news = names.map((name) => `${JSON.stringify(name)}:${JSON.stringify(after[name])}`).join(",");
  return `${text.slice(0, start)}${news},${text.slice(start)}`;
}
