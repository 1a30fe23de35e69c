import { createNoopMeter, type Meter, type MeterProvider, metrics } from "@opentelemetry/api";

/**
 * The global meter provider, without the meters of these names: whoever creates one gets one that records nothing. Official
 * instrumentations record what our own meters record already, and twice is wrong by half; what only they have, stays.
 */
export function meterProviderWithout(isOurs: (meterName: string) => boolean): MeterProvider {
  const nowhere = createNoopMeter();
  return {
    getMeter(name, version, options) {
      const meter = metrics.getMeterProvider().getMeter(name, version, options);
      const meterFor = (meterName: string): Meter => (isOurs(meterName) ? nowhere : meter);
      return {
        createGauge: (each, ...rest) => meterFor(each).createGauge(each, ...rest),
        createHistogram: (each, ...rest) => meterFor(each).createHistogram(each, ...rest),
        createCounter: (each, ...rest) => meterFor(each).createCounter(each, ...rest),
        createUpDownCounter: (each, ...rest) => meterFor(each).createUpDownCounter(each, ...rest),
        createObservableGauge: (each, ...rest) => meterFor(each).createObservableGauge(each, ...rest),
        createObservableCounter: (each, ...rest) => meterFor(each).createObservableCounter(each, ...rest),
        createObservableUpDownCounter: (each, ...rest) => meterFor(each).createObservableUpDownCounter(each, ...rest),
        addBatchObservableCallback: (...given) => meter.addBatchObservableCallback(...given),
        removeBatchObservableCallback: (...given) => meter.removeBatchObservableCallback(...given),
      };
    },
  };
}
