import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { type Resource, resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, type ScopeMetrics } from '@opentelemetry/sdk-metrics';

export type Labels = Record<string, string>;

export interface Counter {
  /** `value` defaults to 1 and must not be negative. */
  add(value?: number, labels?: Labels): void;
  remove(labels: Labels): void;
}
export interface Gauge {
  set(value: number, labels?: Labels): void;
  remove(labels: Labels): void;
}
export interface Histogram {
  record(value: number, labels?: Labels): void;
  remove(labels: Labels): void;
}

/** Instruments of one service. Asking again for a name gives the same instrument. */
export interface Metrics {
  /** The service's name. */
  service: string;
  /** Counters end in `_total`, as Prometheus' naming rules want. */
  counter(name: string, help: string): Counter;
  gauge(name: string, help: string): Gauge;
  /** `buckets` are upper bounds, ascending, in the unit that the name ends with. */
  histogram(name: string, help: string, buckets: readonly number[]): Histogram;
  /** Prometheus text format 0.0.4. */
  expose(): Promise<string>;
  /** The raw metrics, for `exposeAll`. */
  collect(): Promise<ScopeMetrics[]>;
}

export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

// A label set per reconciled object: the SDK's default of 2,000 would fold a large cluster into one series.
const MAX_SERIES = 200_000;
const NAME = /^[a-zA-Z][a-zA-Z0-9]*(?:_[a-zA-Z0-9]+)*$/;

/** Metrics for one service, collected by the OpenTelemetry SDK and read as Prometheus text. */
export function createMetrics({ service }: { service: string }): Metrics {
  const reader = new PrometheusExporter({ preventServerStart: true });
  const resource = resourceFromAttributes({ 'service.name': service });
  const provider = new MeterProvider({
    resource,
    readers: [reader],
    views: [{ instrumentName: '*', aggregationCardinalityLimit: MAX_SERIES }],
  });
  const meter = provider.getMeter('weir');
  const removed = new Map<string, Set<string>>();
  const instruments = new Map<string, { kind: string; instrument: Counter | Gauge | Histogram }>();

  function once<T extends Counter | Gauge | Histogram>(
    kind: string,
    name: string,
    make: () => T,
  ): T {
    if (!NAME.test(name)) throw new RangeError(`"${name}" is no Prometheus metric name`);
    const known = instruments.get(name);
    if (known !== undefined && known.kind !== kind) {
      throw new RangeError(`metric "${name}" is a ${known.kind} already, not a ${kind}`);
    }
    const instrument = known?.instrument ?? make();
    instruments.set(name, { kind, instrument });
    return instrument as T;
  }

  // The SDK keeps every label set for ever; a removed one is left out of what is shown until it is used again.
  function tombstones(name: string) {
    const gone = new Set<string>();
    removed.set(name, gone);
    return {
      bury: (labels: Labels) => void gone.add(seriesKey(labels)),
      revive: (labels: Labels) => void (gone.size > 0 && gone.delete(seriesKey(labels))),
    };
  }

  async function collect(): Promise<ScopeMetrics[]> {
    const { resourceMetrics } = await reader.collect();
    return resourceMetrics.scopeMetrics.map((scope) => withoutRemoved(scope, removed));
  }

  return {
    service,
    counter: (name, help) =>
      once('counter', name, () => {
        if (!name.endsWith('_total')) throw new RangeError(`counter "${name}" must end in _total`);
        const counter = meter.createCounter(name, { description: help });
        const { bury, revive } = tombstones(name);
        return {
          add: (value = 1, labels = {}) => {
            revive(labels);
            counter.add(value, labels);
          },
          remove: bury,
        };
      }),
    gauge: (name, help) =>
      once('gauge', name, () => {
        // Observed from a map, so that the gauges of deleted objects go away for good.
        const values = new Map<string, { value: number; labels: Labels }>();
        meter.createObservableGauge(name, { description: help }).addCallback((observer) => {
          for (const { value, labels } of values.values()) observer.observe(value, labels);
        });
        return {
          set: (value, labels = {}) => void values.set(seriesKey(labels), { value, labels }),
          remove: (labels) => void values.delete(seriesKey(labels)),
        };
      }),
    histogram: (name, help, buckets) =>
      once('histogram', name, () => {
        const histogram = meter.createHistogram(name, {
          description: help,
          advice: { explicitBucketBoundaries: [...buckets] },
        });
        const { bury, revive } = tombstones(name);
        return {
          record: (value, labels = {}) => {
            revive(labels);
            histogram.record(value, labels);
          },
          remove: bury,
        };
      }),
    expose: async () => serialize(resource, await collect()),
    collect,
  };
}

/**
 * One exposition for several services of a process: families are merged, and each series gets a
 * `service` label, as two services may count the same thing.
 */
export async function exposeAll(services: readonly Metrics[]): Promise<string> {
  const [first] = services;
  if (first === undefined) return '';
  if (services.length === 1) return first.expose();
  const scopes = await Promise.all(
    services.map(async (metrics) => labelled(await metrics.collect(), metrics.service)),
  );
  return serialize(resourceFromAttributes({}), scopes.flat());
}

function serialize(resource: Resource, scopeMetrics: ScopeMetrics[]): string {
  const serializer = new PrometheusSerializer(undefined, false, undefined, true, true);
  return serializer.serialize({ resource, scopeMetrics });
}

function labelled(scopes: ScopeMetrics[], service: string): ScopeMetrics[] {
  return scopes.map((scope) =>
    mapPoints(scope, (points) =>
      points.map((point) => ({ ...point, attributes: { service, ...point.attributes } })),
    ),
  );
}

function withoutRemoved(scope: ScopeMetrics, removed: Map<string, Set<string>>): ScopeMetrics {
  return mapPoints(scope, (points, name) => {
    const gone = removed.get(name);
    if (gone === undefined || gone.size === 0) return points;
    return points.filter((point) => !gone.has(seriesKey(point.attributes)));
  });
}

type Point = ScopeMetrics['metrics'][number]['dataPoints'][number];

function mapPoints(
  scope: ScopeMetrics,
  change: (points: Point[], name: string) => Point[],
): ScopeMetrics {
  const metrics = scope.metrics.map(
    (metric) =>
      ({
        ...metric,
        dataPoints: change(metric.dataPoints, metric.descriptor.name),
      }) as typeof metric,
  );
  return { ...scope, metrics };
}

function seriesKey(labels: Record<string, unknown>): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}
