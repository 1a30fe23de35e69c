import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { defaultResource, type Resource, resourceFromAttributes } from "@opentelemetry/resources";
import { findApplicationPackage } from "./application-package.ts";
import type { Settings } from "./settings.ts";

/**
 * Who sends the telemetry. Later ones win: the SDK's defaults, the application's package.json, `OTEL_RESOURCE_ATTRIBUTES`
 * or the configuration file, `resourceAttributes`, the service name. Nothing here waits or runs a command, as the official detectors do.
 */
export function createResource(settings: Pick<Settings, "serviceName" | "resourceAttributes" | "detects">): Resource {
  const application = findApplicationPackage(process.argv[1], process.cwd());
  const detected = {
    ...(application.name && { "service.name": application.name }),
    ...(application.version && { "service.version": application.version }),
    // Without it, two replicas write the same series at a backend that is pushed to.
    "service.instance.id": randomUUID(),
    "host.name": hostname(),
    "process.pid": process.pid,
    "process.runtime.name": "nodejs",
    "process.runtime.version": process.versions.node,
  };
  return defaultResource().merge(
    resourceFromAttributes({
      ...Object.fromEntries(Object.entries(detected).filter(([name]) => settings.detects(name))),
      ...settings.resourceAttributes,
      ...(settings.serviceName && { "service.name": settings.serviceName }),
    }),
  );
}
