import type { Attributes, AttributeValue } from "@opentelemetry/api";
import type { Wrong } from "./config-file-otlp.ts";
import { includes } from "./config-file-patterns.ts";
import type { Place } from "./config-file-place.ts";
import type { FileReading } from "./config-file-readers.ts";
import { splitList } from "./parse-lists.ts";

/** The attributes that `resource` gives; `attributes` win over `attributes_list`. */
export function readResourceAttributes(resource: Place, wrong: Wrong): Attributes {
  const found: Attributes = listedAttributes(resource, wrong);
  for (const attribute of resource.list("attributes")) {
    const name = attribute.text("name") ?? "";
    const type = attribute.text("type");
    const value = attribute.value("value");
    if (!isAttributeValue(value)) continue;
    if (type !== undefined && !isOfType(value, type)) {
      throw wrong(attribute.pathOf("value"), `must be of the type ${type}, as "type" says, found ${typeof value}`);
    }
    found[name] = value;
  }
  return found;
}

/**
 * Which of the attributes that this process finds out by itself are wanted. Without `detectors`, all that are not excluded; they are few, and
 * none of them costs anything.
 */
export function readDetection(resource: Place, { note }: FileReading): (attribute: string) => boolean {
  const detection = resource.at("detection/development");
  const attributes = detection.at("attributes");
  const kept = includes(attributes.texts("included"), attributes.texts("excluded"));
  const detectors = detection.list("detectors").flatMap((detector) =>
    detector.keys.filter((name) => {
      detector.value(name);
      if (known.includes(name)) return true;
      note(detector.pathOf(name), `is not supported: set its attributes in resource.attributes`);
      return false;
    }),
  );
  const all = detection.keys.includes("detectors") ? detectors : known;
  return (attribute) =>
    // The one attribute that no telemetry may be without.
    attribute === "service.name" ||
    (all.some((name) => attribute.startsWith(`${name}.`)) && (kept === undefined || kept(attribute)));
}

const known: readonly string[] = ["host", "process", "service"];

function isAttributeValue(value: unknown): value is AttributeValue {
  return Array.isArray(value) ? value.every(isPlain) : isPlain(value);
}

function isPlain(value: unknown): value is string | number | boolean {
  return ["string", "number", "boolean"].includes(typeof value);
}

function isOfType(value: unknown, type: string): boolean {
  if (type.endsWith("_array")) {
    return Array.isArray(value) && value.every((each) => isOfType(each, type.replace("_array", "")));
  }
  if (type === "int") return Number.isInteger(value);
  return typeof value === { string: "string", bool: "boolean", double: "number" }[type];
}

/** `key=value,key=value`, percent-encoded. The official parser drops the whole list when one entry is wrong. */
function listedAttributes(resource: Place, wrong: Wrong): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [index, entry] of splitList(resource.text("attributes_list") ?? "").entries()) {
    const [key = "", value, ...rest] = entry.split("=").map((part) => part.trim());
    try {
      if (key === "" || value === undefined || rest.length > 0) throw new Error("not key=value");
      found[decodeURIComponent(key)] = decodeURIComponent(value);
    } catch {
      throw wrong(
        resource.pathOf("attributes_list"),
        `must be written key=value,key=value with percent-encoding, entry ${index + 1} is not`,
      );
    }
  }
  return found;
}
