import type { Attributes, Counter, Gauge, Histogram, Meter, MetricOptions, UpDownCounter } from "@opentelemetry/api";

/** A series that was looked up once, of a counter. */
export interface BoundCounter {
  /** As the instrument's `add`, with the bound attributes. */
  add(value: number): void;
  /**
   * Says that nothing more will come: once every reader was given the series as it is, it makes room for another when there is
   * none. What is added all the same counts, in a series that begins anew.
   */
  end(): void;
}

/** A series that was looked up once, of a histogram or gauge. */
export interface BoundRecorder {
  /** As the instrument's `record`, with the bound attributes. */
  record(value: number): void;
  /** As {@link BoundCounter.end}. */
  end(): void;
}

/** Has the attributes looked up once. They are copied: what becomes of the object later changes nothing. */
export interface BindsCounter {
  bind(attributes?: Attributes): BoundCounter;
}

/** As {@link BindsCounter}. */
export interface BindsRecorder {
  bind(attributes?: Attributes): BoundRecorder;
}

/** One of the series that are recorded into together. */
export interface CombinedSeries {
  /** What `bind` returned. */
  readonly series: BoundCounter | BoundRecorder;
  /** Where its value stands in the list of values. Several may share one. */
  readonly position: number;
}

/** Records a list of values into all its series. NaN stands for no value. The list is only read, and may be used again. */
export type CombinedRecording = (values: Float64Array) => void;

/** The API's meter, whose synchronous instruments can bind. */
export interface BindableMeter extends Meter {
  createCounter(name: string, options?: MetricOptions): Counter & BindsCounter;
  createUpDownCounter(name: string, options?: MetricOptions): UpDownCounter & BindsCounter;
  createHistogram(name: string, options?: MetricOptions): Histogram & BindsRecorder;
  createGauge(name: string, options?: MetricOptions): Gauge & BindsRecorder;
  /**
   * Makes one function of many bound series, for an event that is recorded in all of them: a value is checked, and its bucket
   * looked for, once. Series take their values in the order of the positions.
   */
  combine(members: readonly CombinedSeries[]): CombinedRecording;
}
