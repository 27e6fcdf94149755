/** A CloudEvents 1.0 event with the distributed tracing extension. */
export interface CloudEvent {
  specversion: '1.0';
  /** Unique within its source. */
  id: string;
  source: string;
  type: string;
  subject?: string;
  /** RFC 3339. */
  time?: string;
  datacontenttype?: string;
  traceparent?: string;
  data: unknown;
}

/** Media type of an event in structured mode (CloudEvents JSON event format, 3). */
export const CLOUDEVENT_CONTENT_TYPE = 'application/cloudevents+json; charset=utf-8';

/** W3C Trace Context, 3.2: version, trace id, parent id, flags. */
const TRACE = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
/** No id, source or type of ours is longer. Characters. */
const MAX_ATTRIBUTE = 1_024;

export interface NewCloudEvent {
  id: string;
  source: string;
  type: string;
  subject: string;
  time: Date;
  traceparent?: string | undefined;
  data: unknown;
}

/** An event as JSON in structured mode. Throws a TypeError for data that JSON can't hold. */
export function encodeCloudEvent(event: NewCloudEvent): Uint8Array {
  const envelope: CloudEvent = {
    specversion: '1.0',
    id: event.id,
    source: event.source,
    type: event.type,
    subject: event.subject,
    time: event.time.toISOString(),
    datacontenttype: 'application/json',
    ...(event.traceparent === undefined ? {} : { traceparent: event.traceparent }),
    data: event.data,
  };
  return Buffer.from(JSON.stringify(envelope));
}

/** Reads an event in structured mode; undefined for anything else, or without a required attribute. */
export function decodeCloudEvent(bytes: Uint8Array): CloudEvent | undefined {
  const value = parseJson(bytes);
  if (typeof value !== 'object' || value === null) return undefined;
  const event = value as Partial<Record<keyof CloudEvent, unknown>>;
  if (event.specversion !== '1.0') return undefined;
  // The required context attributes are non-empty strings (CloudEvents 1.0, "Required attributes").
  for (const name of ['id', 'source', 'type'] as const) {
    const value = event[name];
    if (typeof value !== 'string' || value === '' || value.length > MAX_ATTRIBUTE) return undefined;
  }
  const { traceparent } = event;
  if (traceparent !== undefined && !(typeof traceparent === 'string' && TRACE.test(traceparent))) {
    return undefined;
  }
  return value as CloudEvent;
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    // What is not JSON is a normal result here and no failure: the caller decides what to do with such a message.
    return undefined;
  }
}
