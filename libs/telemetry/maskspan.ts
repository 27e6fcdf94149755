import type { Attributes, AttributeValue } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { maskUrl } from './mask.ts';
import { isSecretKey } from './secretkeys.ts';
import { MASK } from './urls.ts';

/**
 * A copy of a finished span without secrets: attributes and events may quote a URL that a tenant wrote, such as
 * `url.full`, whose userinfo and query values must not reach a collector (OpenTelemetry's semantic conventions for URLs).
 */
export function maskSpan(span: ReadableSpan): ReadableSpan {
  const { status } = span;
  return {
    name: maskUrl(span.name),
    kind: span.kind,
    spanContext: () => span.spanContext(),
    ...(span.parentSpanContext === undefined ? {} : { parentSpanContext: span.parentSpanContext }),
    startTime: span.startTime,
    endTime: span.endTime,
    status: status.message === undefined ? status : { ...status, message: maskUrl(status.message) },
    attributes: maskAttributes(span.attributes),
    links: span.links.map((link) =>
      link.attributes === undefined
        ? link
        : { ...link, attributes: maskAttributes(link.attributes) },
    ),
    events: span.events.map((event) => ({
      ...event,
      name: maskUrl(event.name),
      ...(event.attributes === undefined ? {} : { attributes: maskAttributes(event.attributes) }),
    })),
    duration: span.duration,
    ended: span.ended,
    resource: span.resource,
    instrumentationScope: span.instrumentationScope,
    droppedAttributesCount: span.droppedAttributesCount,
    droppedEventsCount: span.droppedEventsCount,
    droppedLinksCount: span.droppedLinksCount,
  };
}

function maskAttributes(attributes: Attributes): Attributes {
  const masked: Attributes = {};
  for (const [key, value] of Object.entries(attributes)) {
    masked[key] = isSecretKey(key) ? MASK : maskAttribute(value);
  }
  return masked;
}

function maskAttribute(value: AttributeValue | undefined): AttributeValue | undefined {
  if (typeof value === 'string') return maskUrl(value);
  if (!Array.isArray(value)) return value;
  return value.map((item) => (typeof item === 'string' ? maskUrl(item) : item)) as AttributeValue;
}
