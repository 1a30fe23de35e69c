export type {
  BindableMeter,
  BindsCounter,
  BindsRecorder,
  BoundCounter,
  BoundRecorder,
  CombinedRecording,
  CombinedSeries,
} from "./bindable.ts";
export type { DataPointWithExemplars, Exemplar, ExemplarFilter } from "./exemplars.ts";
export { MeterProvider, type MeterProviderOptions, type TimeoutOptions } from "./meter-provider.ts";
