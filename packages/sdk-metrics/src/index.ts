export type {
  BindableMeter,
  BindsCounter,
  BindsRecorder,
  BoundCounter,
  BoundRecorder,
  CombinedRecording,
  CombinedSeries,
} from "./bindable.ts";
export { MeterProvider, type MeterProviderOptions, type TimeoutOptions } from "./meter-provider.ts";
