import {
  type Context,
  isSpanContextValid,
  ROOT_CONTEXT,
  type SpanContext,
  trace,
} from '@opentelemetry/api';
import { parseTraceParent } from '@opentelemetry/core';

/** The `traceparent` header value of a span (W3C Trace Context, 3.2); undefined for an invalid span. */
export function formatTraceparent(span: SpanContext): string | undefined {
  if (!isSpanContextValid(span)) return undefined;
  return `00-${span.traceId}-${span.spanId}-${span.traceFlags.toString(16).padStart(2, '0')}`;
}

/** Reads a `traceparent`; a malformed one is undefined, as the spec wants a new trace then (4.3). */
export function parseTraceparent(value: string): SpanContext | undefined {
  const span = parseTraceParent(value);
  return span !== null && isSpanContextValid(span) ? { ...span, isRemote: true } : undefined;
}

/** A context whose parent span is the remote one that `traceparent` names. */
export function contextOf(traceparent: string): Context {
  const span = parseTraceparent(traceparent);
  return span === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, span);
}
