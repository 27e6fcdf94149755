import { createHash } from 'node:crypto';
import type { FluxEvent } from '@weir/events';
import { encodeMessage, type Field } from '../io/protobuf.ts';
import { isError, metadataEntries } from '../message.ts';
import { basic, bearer, type Io, type ProviderType } from '../provider.ts';

const SCHEMA = 'https://opentelemetry.io/schemas/1.34.0';
const SCOPE = 'flux:notification-controller';
const KIND_INTERNAL = 1;
const STATUS_OK = 1;
const STATUS_ERROR = 2;

/**
 * A collector of OpenTelemetry: one span an event, by OTLP over HTTP. The spans of one alert and revision are one trace.
 * Format: OTLP 1.x, ExportTraceServiceRequest.
 */
export const otel: ProviderType = {
  async send(event, target, io) {
    if (event.involvedObject.kind === 'HelmRepository') return;
    const { username, password } = target;
    const own = username && password ? basic(username, password) : bearer(target.token);
    const headers = { 'content-type': 'application/x-protobuf', ...own, ...target.headers };
    await io.request({ url: target.address, headers, body: exportRequest(event, io) });
  },
};

function exportRequest(event: FluxEvent, io: Io): Uint8Array {
  const { name, namespace = '', uid = '' } = io.alert.metadata;
  const resource = attributes(1, {
    'service.name': `${namespace}/${name}`,
    'service.namespace': namespace,
    'service.instance.id': uid,
  });
  const scopeSpans = encodeMessage(
    [1, 'message', encodeMessage([1, 'text', SCOPE])],
    [2, 'message', span(event, uid, io.id)],
  );
  const resourceSpans = encodeMessage(
    [1, 'message', encodeMessage(...resource)],
    [2, 'message', scopeSpans],
    [3, 'text', SCHEMA],
  );
  return encodeMessage([1, 'message', resourceSpans]);
}

function span(event: FluxEvent, alertUid: string, id: string): Uint8Array {
  const { kind, name, namespace, uid } = event.involvedObject;
  const status = isError(event)
    ? encodeMessage([2, 'text', event.message], [3, 'varint', STATUS_ERROR])
    : encodeMessage([3, 'varint', STATUS_OK]);
  return encodeMessage(
    [1, 'bytes', digest(`${alertUid}:${revisionOf(event)}`).subarray(0, 16)],
    [2, 'bytes', digest(`span:${id}`).subarray(0, 8)],
    [5, 'text', `${kind}: ${namespace}/${name}`],
    [6, 'varint', KIND_INTERNAL],
    [7, 'fixed64', nanoseconds(Date.parse(event.timestamp))],
    [8, 'fixed64', nanoseconds(Date.now())],
    ...attributes(9, {
      'object.uid': uid,
      'object.kind': kind,
      'object.name': name,
      'object.namespace': namespace,
      ...Object.fromEntries(metadataEntries(event)),
    }),
    [15, 'message', status],
  );
}

/** What the trace is about: the digest of an OCI artifact names a chart more exactly than its version. */
function revisionOf({ metadata = {} }: FluxEvent): string {
  const { revision = '', 'oci-digest': ociDigest } = metadata;
  return ociDigest === undefined ? revision : `${revision}@${ociDigest}`;
}

function attributes(number: number, values: Readonly<Record<string, string>>): Field[] {
  return Object.entries(values).map(([key, value]) => {
    const any = encodeMessage([1, 'text', value]);
    return [number, 'message', encodeMessage([1, 'text', key], [2, 'message', any])];
  });
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function nanoseconds(ms: number): bigint {
  return BigInt(Number.isFinite(ms) ? ms : Date.now()) * 1_000_000n;
}
