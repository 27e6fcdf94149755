export type { Attributes, Span, Tracer } from '@opentelemetry/api';
export { createLogger, LOG_LEVELS, type Logger, type LoggerOptions } from './logger.ts';
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
export { isSecretKey, MASK, maskSecrets, redact } from './redact.ts';
export { formatTraceparent, parseTraceparent } from './traceparent.ts';
export { createTracing, type SpanOptions, type Tracing, type TracingOptions } from './tracing.ts';
