import { checkView } from "./check-view.ts";
import type { InstrumentationScope } from "./scope.ts";
import type { IAttributesProcessor, ViewOptions } from "@opentelemetry/sdk-metrics";
import type { InstrumentDescriptor } from "./descriptor.ts";

/** A view: which instruments it is for, and what becomes of them. */
export interface View {
  readonly options: ViewOptions;
  readonly processors: readonly IAttributesProcessor[];
  matches(descriptor: InstrumentDescriptor, scope: InstrumentationScope): boolean;
  /** The stream's descriptor. */
  rename(descriptor: InstrumentDescriptor): InstrumentDescriptor;
}

/**
 * Specification, metrics SDK, "View".
 *
 * @throws Error for a view that selects nothing in particular, or renames instruments that may be several, or has an option that is wrong.
 */
export function createView(options: ViewOptions): View {
  checkView(options);
  const { instrumentName, instrumentType, instrumentUnit, meterName, meterVersion, meterSchemaUrl } = options;
  const selectors = [instrumentName, instrumentType, instrumentUnit, meterName, meterVersion, meterSchemaUrl];
  // Null is as good as absent, as it is to the official SDK.
  if (selectors.every((selector) => selector === undefined || selector === null)) {
    throw new Error(
      `[meterbridge] [sdk-metrics] a view must select something: give it instrumentName (may be "*"), instrumentType, ` +
        `instrumentUnit, meterName, meterVersion or meterSchemaUrl`,
    );
  }
  if (options.name && (instrumentName === undefined || /[*?]/.test(instrumentName))) {
    throw new Error(
      `[meterbridge] [sdk-metrics] the view with the name "${options.name}" must select one instrument by instrumentName, ` +
        `found ${instrumentName === undefined ? "none" : `"${instrumentName}"`}: a name for several would make them one`,
    );
  }
  const name = patternOf(instrumentName ?? "*");
  return {
    options,
    processors: options.attributesProcessors ?? [],
    matches: (descriptor, scope) =>
      name.test(descriptor.name) &&
      isWanted(instrumentType, descriptor.type) &&
      isWanted(instrumentUnit, descriptor.unit) &&
      isWanted(meterName, scope.name) &&
      isWanted(meterVersion, scope.version) &&
      // A meter without a schema URL is taken for one of any, as the official SDK does.
      (scope.schemaUrl === undefined || isWanted(meterSchemaUrl, scope.schemaUrl)),
    rename: (descriptor) => ({
      ...descriptor,
      name: options.name ?? descriptor.name,
      description: options.description ?? descriptor.description,
    }),
  };
}

function isWanted(wanted: string | null | undefined, found: string | undefined): boolean {
  return wanted === undefined || wanted === null || wanted === found;
}

/** `*` stands for any characters, `?` for one; the case of names does not matter. */
function patternOf(text: string): RegExp {
  const escaped = text.replaceAll(/[\\^$.+()[\]{}|]/g, String.raw`\$&`);
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`, "is");
}
