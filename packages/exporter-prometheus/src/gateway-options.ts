import * as v from "valibot";
import { basicAuthSchema, countSchema, optionName, parse, strict, tokenSchema } from "./option-schemas.ts";
import type { PushToGatewayOptions } from "./push-to-gateway.ts";

export const gatewayPrefix = "[meterbridge] [pushgateway]";

/** @throws Error of one line when an option is wrong. It never shows a secret. */
export function checkGatewayOptions(options: PushToGatewayOptions): PushToGatewayOptions {
  return parse(schema, options, optionName, gatewayPrefix) as PushToGatewayOptions;
}

const urlRule = "must be an http or https URL without name, password, query or fragment, which is not shown here";
const labelRule = 'must have labels of letters, digits and "_", and none called "job", which is an option of its own';

const schema = strict({
  url: v.pipe(v.string(urlRule), v.check(isPlainUrl, urlRule)),
  job: v.pipe(v.string("must be a name"), v.minLength(1, "must be a name")),
  grouping: v.optional(
    v.pipe(
      v.record(v.string(), v.string("must be a text")),
      v.check((labels) => Object.keys(labels).every(isLabel), labelRule),
    ),
  ),
  method: v.optional(v.picklist(["PUT", "POST"], "must be PUT or POST")),
  timeoutMillis: v.optional(countSchema),
  bearerToken: v.optional(tokenSchema),
  basicAuth: v.optional(basicAuthSchema),
});

function isPlainUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  return /^https?:$/.test(protocol) && username + password + search + hash === "";
}

function isLabel(name: string): boolean {
  return name !== "job" && !name.startsWith("__") && /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name);
}
