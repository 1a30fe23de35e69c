import * as v from "valibot";
import { checkOptions } from "../check-options.ts";

/** The URL to ask. Throws an Error of one line when it, or an option, is wrong; a URL is not shown, since it may hold a key. */
export function checkModelApiOptions(url: string | URL, options: { method: string; headers: object }): URL {
  checkOptions("modelApiCheck", schema, options);
  const target = URL.parse(String(url));
  if (target === null || !/^https?:$/.test(target.protocol)) {
    throw new Error("[meterbridge] [http] modelApiCheck: the URL must begin with https:// or http://");
  }
  if (target.username !== "" || target.password !== "") {
    throw new Error("[meterbridge] [http] modelApiCheck: the URL must not hold credentials, give them as a header");
  }
  return target;
}

const headersMessage = "must be an object of header names and texts";
const schema = v.object({
  method: v.picklist(["GET", "HEAD"], 'must be "GET" or "HEAD"'),
  headers: v.record(v.string(), v.string(headersMessage), headersMessage),
});
