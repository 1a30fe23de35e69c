import { type LabelForm, textLabels } from "./label-forms.ts";
import { labelName } from "./label-names.ts";
import { cutText, labelValue } from "./label-values.ts";
import { defaultNaming, type Naming } from "./naming.ts";

/** Turns the attributes of one series into its labels, sorted by name: `name="value",…`. Equal label sets give equal text. */
export type LabelWriter = (attributes: unknown) => string;

/**
 * Makes a label writer. Attribute keys that give the same label are joined into one, values in the order of the keys with
 * `;` between. A label without a value is left out, because to Prometheus an empty label is the same as none.
 *
 * Never throws: attributes that cannot be read count as none. A writer remembers the last key list, since
 * the series of a metric mostly share theirs.
 *
 * Source: OpenTelemetry specification, Prometheus and OpenMetrics compatibility, "Metric Attributes".
 */
export function createLabelWriter(
  reserved: ReadonlySet<string>,
  naming: Naming = defaultNaming,
  form: LabelForm = textLabels,
): LabelWriter {
  const names = new Map<string, string>();
  let planned: readonly string[] = [];
  let slots: readonly Slot[] = [];

  return (attributes) => {
    // A string passed as attributes would give one label per character.
    if (!isRecord(attributes)) return "";
    const keys = keysOf(attributes);
    if (keys.length === 0) return "";
    if (!sameKeys(keys, planned)) {
      slots = planSlots(keys, (key) => nameOf(names, key, reserved, naming));
      planned = keys;
    }
    let text = "";
    for (const slot of slots) {
      const label = slotLabel(attributes, slot, form);
      if (label !== "") text += text === "" ? label : form.separator + label;
    }
    return text;
  };
}

interface Slot {
  readonly name: string;
  readonly key: string;
  /** Further keys that give the same label, in order. */
  readonly furtherKeys: readonly string[];
  /** Finished labels by value: most values occur in many series. */
  readonly known: Map<string, string>;
}

const longestJoined = 1024;
const longestKnown = 256;
const mostKnown = 1000;

function nameOf(names: Map<string, string>, key: string, reserved: ReadonlySet<string>, naming: Naming): string {
  let name = names.get(key);
  if (name === undefined) {
    name = labelName(key, reserved, naming);
    if (names.size < mostKnown) names.set(key, name);
  }
  return name;
}

function planSlots(keys: readonly string[], nameFor: (key: string) => string): Slot[] {
  const keysByName = new Map<string, string[]>();
  for (const key of keys) {
    const name = nameFor(key);
    const sharing = keysByName.get(name);
    if (sharing === undefined) keysByName.set(name, [key]);
    else sharing.push(key);
  }
  return [...keysByName]
    .map(([name, sharing]) => {
      const [key = "", ...furtherKeys] = sharing.length === 1 ? sharing : sharing.toSorted(byCodeUnit);
      return { name, key, furtherKeys, known: new Map<string, string>() };
    })
    .toSorted((left, right) => byCodeUnit(left.name, right.name));
}

function slotLabel(attributes: Readonly<Record<string, unknown>>, slot: Slot, form: LabelForm): string {
  const value = read(attributes, slot.key);
  if (slot.furtherKeys.length > 0) {
    const values = [value, ...slot.furtherKeys.map((key) => read(attributes, key))].map(labelValue);
    return labelText(form, slot, cutText(values.filter((one) => one !== "").join(";"), longestJoined));
  }
  if (typeof value !== "string" || value.length > longestKnown) return labelText(form, slot, labelValue(value));
  let label = slot.known.get(value);
  if (label === undefined) {
    label = labelText(form, slot, labelValue(value));
    if (slot.known.size < mostKnown) slot.known.set(value, label);
  }
  return label;
}

function labelText(form: LabelForm, { name }: Slot, value: string): string {
  return value === "" ? "" : form.label(name, value);
}

function read(attributes: Readonly<Record<string, unknown>>, key: string): unknown {
  try {
    return attributes[key];
  } catch {
    return "[unreadable]";
  }
}

function isRecord(attributes: unknown): attributes is Readonly<Record<string, unknown>> {
  return typeof attributes === "object" && attributes !== null;
}

function keysOf(attributes: Readonly<Record<string, unknown>>): readonly string[] {
  try {
    return Object.keys(attributes);
  } catch {
    return [];
  }
}

function sameKeys(left: readonly string[], right: readonly string[]): boolean {
  if (left.length !== right.length) return false;
  for (let index = 0; index < left.length; index++) if (left[index] !== right[index]) return false;
  return true;
}

function byCodeUnit(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
