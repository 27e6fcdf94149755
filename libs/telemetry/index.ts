export type { Attributes, Span, Tracer } from '@opentelemetry/api';
export { createLogger, LOG_LEVELS, type Logger, type LoggerOptions } from './logger.ts';
export { maskAllSecrets, maskSecrets, maskUrl } from './mask.ts';
export {
  type Counter,
  createMetrics,
  exposeAll,
  type Gauge,
  type Histogram,
  type Labels,
  METRICS_CONTENT_TYPE,
  type Metrics,
} from './metrics.ts';
export { redact } from './redact.ts';
export { isSecretKey } from './secretkeys.ts';
export { formatTraceparent, parseTraceparent } from './traceparent.ts';
export { createTracing, type SpanOptions, type Tracing, type TracingOptions } from './tracing.ts';
export { MASK } from './urls.ts';
