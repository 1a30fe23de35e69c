/** The model's name for meters, from a name that a span tells. */
export type ModelLabel = (provider: string, model: string, isAnswered: boolean) => string;

/**
 * Names of models come from requests, which may ask for anything: one is a label when it is known, or a provider has answered to it, and `other` until
 * then.
 */
export function createModelLabels(isKnown: (provider: string, model: string) => boolean = () => false): ModelLabel {
  const answered = new Set<string>();
  return (provider, model, isAnswered) => {
    const key = `${provider}\n${model}`;
    if (answered.has(key)) return model;
    if (!isAnswered) return isKnown(provider, model) ? model : "other";
    if (answered.size < mostModels) answered.add(key);
    return model;
  };
}

const mostModels = 1000;
