// Bodies that vendors get, in the form in which the cases have them.
import type { Json } from './case.ts';
import {
  decodeMessage,
  type Fields,
  hexIn,
  message,
  messages,
  numberIn,
  textIn,
} from './protobuf.ts';

/** Reads a body by its content type; undefined for an empty one. */
export function readBody(type: string, body: Buffer): unknown {
  if (body.length === 0) return undefined;
  if (type.startsWith('application/x-www-form-urlencoded')) {
    return { form: Object.fromEntries(new URLSearchParams(body.toString())) };
  }
  if (type.startsWith('application/x-sentry-envelope')) return sentry(body.toString());
  if (type.startsWith('application/x-protobuf')) return traces(decodeMessage(body));
  if (type.startsWith('application/grpc')) return publication(decodeMessage(body.subarray(5)));
  return JSON.parse(body.toString()) as unknown;
}

/** The lines of the text, without ids and without what an SDK says about the machine. */
function sentry(text: string): Json {
  const [, item, payload] = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Json);
  const strip = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(strip);
    if (typeof value !== 'object' || value === null) return value;
    const ids = ['event_id', 'trace_id', 'span_id', 'parent_span_id', 'trace'];
    const kept = Object.entries(value).filter(([key]) => !ids.includes(key));
    return Object.fromEntries(kept.map(([key, each]) => [key, strip(each)]));
  };
  return { envelope: [item, strip(payload)] };
}

function traces(request: Fields): Json {
  const resourceSpans = messages(request, 1).map((each) => ({
    schemaUrl: textIn(each, 3),
    resource: attributes(message(each, 1), 1),
    scopeSpans: messages(each, 2).map((scoped) => ({
      scope: textIn(message(scoped, 1), 1),
      spans: messages(scoped, 2).map(span),
    })),
  }));
  return { resourceSpans };
}

function span(fields: Fields): Json {
  const time = (number: number) =>
    new Date(Number(numberIn(fields, number) / 1_000_000n)).toISOString();
  return {
    traceId: hexIn(fields, 1),
    spanId: hexIn(fields, 2),
    name: textIn(fields, 5),
    kind: Number(numberIn(fields, 6)),
    start: time(7),
    end: time(8),
    attributes: attributes(fields, 9),
    status: { code: Number(numberIn(message(fields, 15), 3)) },
  };
}

function attributes(fields: Fields, number: number): Json {
  return Object.fromEntries(
    messages(fields, number).map((each) => [textIn(each, 1), textIn(message(each, 2), 1)]),
  );
}

function publication(request: Fields): Json {
  const published = messages(request, 2).map((each) => ({
    data: JSON.parse(textIn(each, 1)) as unknown,
    attributes: Object.fromEntries(
      messages(each, 2).map((entry) => [textIn(entry, 1), textIn(entry, 2)]),
    ),
  }));
  return { topic: textIn(request, 1), messages: published };
}
