/** The same error with the place in the configuration file that it comes from, which `from` names. */
export function errorInFile(error: unknown, from: string): Error {
  const message = (error instanceof Error ? error.message : String(error)).replace("[meterbridge] ", "");
  const told = message.startsWith("OTEL_CONFIG_FILE") ? message : `OTEL_CONFIG_FILE, ${from}: ${message}`;
  return new Error(`[meterbridge] ${told}`, { cause: error });
}
