import {
  type Attributes,
  context,
  type Link,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { ATTR_SERVICE_NAME, ATTR_SERVICE_VERSION } from '@opentelemetry/semantic-conventions';
import type { Logger } from './logger.ts';
import { maskSecrets } from './mask.ts';
import { otlpExporter } from './spans.ts';
import { contextOf, formatTraceparent, parseTraceparent } from './traceparent.ts';

export interface TracingOptions {
  /** `service.name` of the spans. */
  service: string;
  /** Base URL of an OTLP/HTTP collector; the default is OTEL_EXPORTER_OTLP_ENDPOINT. None: ids flow, nothing is sent. */
  endpoint?: string;
  /** `service.instance.id`, such as the pod's name. */
  instance?: string;
  version?: string;
  /** Spans are sent at most this long after they ended. */
  delayMs?: number;
  /** How long one delivery may take, its retries included; `close` waits no longer either. */
  timeoutMs?: number;
  /** Told when a collector can't be reached, once until it can again. */
  log?: Logger;
}

export interface SpanOptions {
  /** A `traceparent` to continue; without it the active span is the parent. */
  parent?: string | undefined;
  attributes?: Attributes;
  /** `traceparent`s of other happenings that led here. */
  links?: readonly string[];
  kind?: 'internal' | 'server' | 'client' | 'producer' | 'consumer';
}

export interface Tracing {
  tracer: Tracer;
  /**
   * Runs `run` in a new span that is active for everything it awaits, ends it, and returns its result.
   * What `run` throws is recorded on the span and thrown on.
   */
  span<T>(name: string, options: SpanOptions, run: (span: Span) => Promise<T>): Promise<T>;
  /** The `traceparent` of the active span, for a message or a request to carry. */
  traceparent(): string | undefined;
  /** Sends what is left and stops. Never rejects. */
  close(): Promise<void>;
}

const KINDS = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
};

// The one OpenTelemetry global: it only carries the active span through async calls. Providers are not registered.
context.setGlobalContextManager(new AsyncLocalStorageContextManager());

/** Tracing for one service; several services in a process each have their own. */
export function createTracing(options: TracingOptions): Tracing {
  const endpoint = options.endpoint ?? process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
  const timeoutMs = options.timeoutMs ?? 5_000;
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      [ATTR_SERVICE_NAME]: options.service,
      ...(options.version === undefined ? {} : { [ATTR_SERVICE_VERSION]: options.version }),
      ...(options.instance === undefined ? {} : { 'service.instance.id': options.instance }),
    }),
    spanProcessors: endpoint
      ? [
          new BatchSpanProcessor({
            exporter: otlpExporter(endpoint, timeoutMs, options.log),
            scheduledDelayMillis: options.delayMs ?? 500,
            exportTimeoutMillis: timeoutMs,
            maxQueueSize: 8_192,
          }),
        ]
      : [],
  });
  const tracer = provider.getTracer('weir');
  return {
    tracer,
    span: (name, spanOptions, run) => runInSpan(tracer, name, spanOptions, run),
    traceparent: () => {
      const span = trace.getActiveSpan();
      return span === undefined ? undefined : formatTraceparent(span.spanContext());
    },
    close: async () => {
      try {
        await provider.shutdown();
      } catch (error) {
        options.log?.warn({ err: error }, 'The last spans could not be sent');
      }
    },
  };
}

async function runInSpan<T>(
  tracer: Tracer,
  name: string,
  options: SpanOptions,
  run: (span: Span) => Promise<T>,
): Promise<T> {
  const parent = options.parent === undefined ? context.active() : contextOf(options.parent);
  const span = tracer.startSpan(
    name,
    {
      kind: KINDS[options.kind ?? 'internal'],
      links: linksTo(options.links ?? []),
      ...(options.attributes === undefined ? {} : { attributes: options.attributes }),
    },
    parent,
  );
  try {
    return await context.with(trace.setSpan(parent, span), () => run(span));
  } catch (error) {
    recordFailure(span, error);
    throw error;
  } finally {
    span.end();
  }
}

function linksTo(traceparents: readonly string[]): Link[] {
  return traceparents.flatMap((traceparent) => {
    const linked = parseTraceparent(traceparent);
    return linked === undefined ? [] : [{ context: linked }];
  });
}

function recordFailure(span: Span, error: unknown): void {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  span.recordException({ name, message: maskSecrets(message) });
  span.setStatus({ code: SpanStatusCode.ERROR, message: maskSecrets(message) });
}
