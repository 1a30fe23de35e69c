/** What to do about what has no effect here. */
export function adviceFor(path: string): string {
  const [, advice] = advices.find(([pattern]) => pattern.test(path)) ?? [];
  return `is not supported and has no effect${advice === undefined ? "" : `: ${advice}`}`;
}

const advices: readonly (readonly [RegExp, string])[] = [
  [/\.producers$/, "record through the OpenTelemetry API instead"],
  [/\.max_export_batch_size\/development$/, "exports are split by their size in bytes"],
  [/\.resource_constant_labels$/, "join target_info in the query instead"],
  [/\.(?:interval|timeout)$/, "it is up to that exporter and its options"],
  [/\.max_scale$/, "set max_size, from which the scale follows"],
  [/\.meter_configurator\/development$/, "drop meters by views"],
  [/^instrumentation\/development/, "set METERBRIDGE_INSTRUMENTATIONS and the options in code"],
  [/^resource\.schema_url$/, "attributes are sent without a schema URL"],
  [/\.id_generator/, "ids of traces are random"],
  [/^distribution/, "set the METERBRIDGE_* variables"],
];
