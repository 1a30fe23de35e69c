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

/** The API's meter, whose synchronous instruments can bind. */
export interface BindableMeter extends Meter {
  createCounter(name: string, options?: MetricOptions): Counter & BindsCounter;
  createUpDownCounter(name: string, options?: MetricOptions): UpDownCounter & BindsCounter;
  createHistogram(name: string, options?: MetricOptions): Histogram & BindsRecorder;
  createGauge(name: string, options?: MetricOptions): Gauge & BindsRecorder;
}
