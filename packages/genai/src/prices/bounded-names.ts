/**
 * Remembers what is made for a provider and model. Names come from outside, so there may be any number of them: beyond the limit
 * all are forgotten, and made anew when they come again.
 */
export function createNameCache<Value>(
  limit: number,
  make: (provider: string, model: string) => Value,
): (provider: string, model: string) => Value {
  const providers = new Map<string, Map<string, Value>>();
  let size = 0;
  return (provider, model) => {
    const known = providers.get(provider)?.get(model);
    if (known !== undefined) return known;
    const made = make(provider, model);
    if (size >= limit) {
      providers.clear();
      size = 0;
    }
    const models = providers.get(provider) ?? new Map<string, Value>();
    providers.set(provider, models.set(model, made));
    size += 1;
    return made;
  };
}
