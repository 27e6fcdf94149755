import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { type ListenOptions, listen } from './listen.ts';

/** The value of an attribute. Lists and maps may be nested. */
export type AttributeValue =
  | string
  | number
  | boolean
  | null
  | AttributeValue[]
  | { [key: string]: AttributeValue };
export type Attributes = Record<string, AttributeValue>;

export interface CollectedSpan {
  traceId: string;
  spanId: string;
  /** Absent for the root span of a trace. */
  parentSpanId?: string;
  name: string;
  /** Milliseconds since 1970. */
  startMs: number;
  endMs: number;
  attributes: Attributes;
  /** The attributes of the sender, such as `service.name`. */
  resource: Attributes;
  status: { code: 'unset' | 'ok' | 'error'; message?: string };
  links: { traceId: string; spanId: string }[];
  events: { name: string; attributes: Attributes }[];
}

export interface Collector {
  /** The value for `OTEL_EXPORTER_OTLP_ENDPOINT`, without `/v1/traces`. */
  url: string;
  /** The spans received so far, in the order of their arrival. */
  spans(): CollectedSpan[];
  clear(): void;
  close(): Promise<void>;
}

/** Starts an OTLP/HTTP collector that keeps spans for tests. It accepts JSON, which OpenTelemetry JS's exporter sends. */
export async function startCollector(options: ListenOptions = {}): Promise<Collector> {
  const spans: CollectedSpan[] = [];
  const server = await listen((request, response) => {
    receive(request, response, spans).catch((error: unknown) => {
      answer(response, 400, { message: String(error) });
    });
  }, options);
  return {
    url: server.url,
    spans: () => [...spans],
    clear: () => {
      spans.length = 0;
    },
    close: server.close,
  };
}

async function receive(
  request: IncomingMessage,
  response: ServerResponse,
  spans: CollectedSpan[],
): Promise<void> {
  const body = await buffer(request);
  if (request.method !== 'POST' || request.url !== '/v1/traces') {
    return answer(response, 404, { message: 'only POST /v1/traces is served' });
  }
  if (!request.headers['content-type']?.startsWith('application/json')) {
    return answer(response, 415, { message: 'only application/json is understood' });
  }
  const text = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
  spans.push(...flatten(JSON.parse(text.toString()) as ExportRequest));
  answer(response, 200, { partialSuccess: {} });
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

// The used parts of ExportTraceServiceRequest in OTLP's JSON encoding (opentelemetry-proto, collector/trace/v1).
interface KeyValue {
  key: string;
  value?: AnyValue;
}
interface AnyValue {
  stringValue?: string;
  boolValue?: boolean;
  intValue?: string | number;
  doubleValue?: number;
  arrayValue?: { values?: AnyValue[] };
  kvlistValue?: { values?: KeyValue[] };
}
interface WireSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  startTimeUnixNano: string | number;
  endTimeUnixNano: string | number;
  attributes?: KeyValue[];
  status?: { code?: number; message?: string };
  links?: { traceId: string; spanId: string }[];
  events?: { name: string; attributes?: KeyValue[] }[];
}
interface ExportRequest {
  resourceSpans?: {
    resource?: { attributes?: KeyValue[] };
    scopeSpans?: { spans?: WireSpan[] }[];
  }[];
}

function flatten(request: ExportRequest): CollectedSpan[] {
  return (request.resourceSpans ?? []).flatMap(({ resource, scopeSpans }) => {
    const shared = attributesOf(resource?.attributes);
    return (scopeSpans ?? []).flatMap(({ spans }) => (spans ?? []).map((s) => spanOf(s, shared)));
  });
}

function spanOf(span: WireSpan, resource: Attributes): CollectedSpan {
  const { code = 0, message } = span.status ?? {};
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    ...(span.parentSpanId ? { parentSpanId: span.parentSpanId } : {}),
    name: span.name,
    startMs: milliseconds(span.startTimeUnixNano),
    endMs: milliseconds(span.endTimeUnixNano),
    attributes: attributesOf(span.attributes),
    resource,
    status: {
      code: (['unset', 'ok', 'error'] as const)[code] ?? 'unset',
      ...(message ? { message } : {}),
    },
    links: (span.links ?? []).map(({ traceId, spanId }) => ({ traceId, spanId })),
    events: (span.events ?? []).map(({ name, attributes }) => ({
      name,
      attributes: attributesOf(attributes),
    })),
  };
}

/** Milliseconds, exact to the microsecond. The division is done on a bigint, because the nanoseconds don't fit a number. */
function milliseconds(nanoseconds: string | number): number {
  return Number(BigInt(nanoseconds) / 1_000n) / 1_000;
}

function attributesOf(list: KeyValue[] = []): Attributes {
  return Object.fromEntries(list.map(({ key, value }) => [key, plainValue(value)]));
}

function plainValue(value: AnyValue = {}): AttributeValue {
  if (value.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(plainValue);
  if (value.kvlistValue !== undefined) return attributesOf(value.kvlistValue.values);
  // OTLP's JSON encoding writes 64-bit integers as strings.
  if (value.intValue !== undefined) return Number(value.intValue);
  return value.stringValue ?? value.boolValue ?? value.doubleValue ?? null;
}
