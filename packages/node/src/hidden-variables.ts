/**
 * Runs `work` with no variable beginning with `OTEL_` in the environment: beside a configuration file they have no effect, and exporters read
 * them by themselves. Synchronous, so that nothing else can see it.
 */
export function withoutOtelVariables<Result>(work: () => Result): Result {
  const names = Object.keys(process.env).filter((name) => name.startsWith("OTEL_"));
  const kept = names.map((name) => [name, process.env[name]] as const);
  for (const name of names) Reflect.deleteProperty(process.env, name);
  try {
    return work();
  } finally {
    for (const [name, value] of kept) process.env[name] = value;
  }
}
