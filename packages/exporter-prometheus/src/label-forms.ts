import { isPlainLabelName } from "./escape-names.ts";
import { escapeQuoted } from "./label-values.ts";

/** How labels are written in a format. */
export interface LabelForm {
  /** One label with a value. */
  label(name: string, value: string): string;
  readonly separator: string;
  /** How the text becomes bytes: `latin1` where each character stands for a byte. */
  readonly encoding: "utf8" | "latin1";
}

/** `name="value"`, or `"my.name"="value"` where the name needs quotes. */
export const textLabels: LabelForm = {
  label: (name, value) => `${isPlainLabelName(name) ? name : `"${escapeQuoted(name)}"`}="${escapeQuoted(value)}"`,
  separator: ",",
  encoding: "utf8",
};

/** The field `label` of an `io.prometheus.client.Metric` or `Exemplar`: both have it as number 1. */
export const protobufLabels: LabelForm = {
  label: (name, value) =>
    fieldOf(0x0a, Buffer.concat([textField(0x0a, name), textField(0x12, value)])).toString("latin1"),
  separator: "",
  encoding: "latin1",
};

function textField(tag: number, text: string): Buffer {
  return fieldOf(tag, Buffer.from(text));
}

function fieldOf(tag: number, content: Buffer): Buffer {
  const head = [tag];
  let rest = content.length;
  while (rest > 127) {
    head.push((rest & 127) | 128);
    rest >>>= 7;
  }
  return Buffer.concat([Buffer.from([...head, rest]), content]);
}
