import type { Attributes } from "@opentelemetry/api";
import type { ResourceMetrics } from "@opentelemetry/sdk-metrics";

type Resource = ResourceMetrics["resource"];

/** Puts attributes over those of a resource. The same resource gives the same result, by which the encoder knows it again. */
export function resourceWith(attributes: Attributes = {}): (resource: Resource) => Resource {
  if (Object.keys(attributes).length === 0) return (resource) => resource;
  const known = new WeakMap<Resource, Resource>();
  return (resource) => {
    let made = known.get(resource);
    if (made === undefined) {
      made = Object.create(resource, {
        attributes: { value: { ...resource.attributes, ...attributes }, enumerable: true },
      }) as Resource;
      known.set(resource, made);
    }
    return made;
  };
}
