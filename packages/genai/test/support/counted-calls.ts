interface RunningSdk {
  collect(): Promise<readonly { readonly name: string; readonly points: readonly { readonly value: unknown }[] }[]>;
}

/** The model calls that the meters of this process have, as a service's own backend would know: one number for each series. */
export async function countedCalls(): Promise<readonly unknown[]> {
  const sdk = (globalThis as { [key: symbol]: unknown })[Symbol.for("meterbridge.sdk")] as RunningSdk;
  const readings = await sdk.collect();
  return readings.find(({ name }) => name === "llm.requests")?.points.map(({ value }) => value) ?? [];
}
