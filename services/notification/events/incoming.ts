// Parses events of other components, such as Flagger and tofu-controller, as Flux's notification-controller does.
import type { FluxEvent } from '@weir/events';
import { eventMessage, kubeTime } from '@weir/events';
import { maskAllSecrets } from '@weir/telemetry';

/** Characters of the metadata that are kept: the size of an event in its stream is bounded. */
const MAX_METADATA = 24 * 1024;
const MAX_KEYS = 1_000;
const MAX_TEXT = 512;
/** Its stream takes 256 KiB, the envelope included. */
const MAX_EVENT_BYTES = 200 * 1024;

/** An event in the form for its stream, and with all of its message and metadata if that is more. */
export interface IncomingEvent {
  event: FluxEvent;
  whole?: FluxEvent;
}

/** The event of a request's body; undefined for what is no JSON object, or has fields of another type. */
export function readEvent(body: Buffer): IncomingEvent | undefined {
  const parsed = parse(body);
  if (!isRecord(parsed)) return undefined;
  const { involvedObject = {}, metadata = {}, severity } = parsed;
  if (!isRecord(involvedObject) || !isRecord(metadata ?? {})) return undefined;
  const texts = [parsed.message, parsed.reason, parsed.reportingController];
  const more = [parsed.reportingInstance, severity, parsed.timestamp];
  if (![...texts, ...more, ...Object.values(involvedObject)].every(isTextOrMissing)) {
    return undefined;
  }
  if (!Object.values(metadata ?? {}).every((value) => typeof value === 'string')) return undefined;
  const timestamp = timeOf(parsed.timestamp as string | undefined);
  if (timestamp === undefined) return undefined;
  const field = (name: string) => String(involvedObject[name] ?? '').slice(0, MAX_TEXT);
  const base: Omit<FluxEvent, 'message' | 'metadata'> = {
    involvedObject: {
      apiVersion: field('apiVersion'),
      kind: field('kind'),
      namespace: field('namespace'),
      name: field('name'),
      uid: field('uid'),
      ...(involvedObject.resourceVersion ? { resourceVersion: field('resourceVersion') } : {}),
    },
    severity: severity === 'error' ? 'error' : 'info',
    timestamp,
    reason: String(parsed.reason ?? '').slice(0, MAX_TEXT),
    reportingController: String(parsed.reportingController ?? '').slice(0, MAX_TEXT),
    reportingInstance: String(parsed.reportingInstance ?? '').slice(0, MAX_TEXT),
  };
  const message = String(parsed.message ?? '');
  const all = (metadata ?? {}) as Record<string, string>;
  const kept = boundedMetadata(all);
  const event = withinSize({ ...base, ...withMetadata(kept), message: eventMessage(message) });
  const masked = maskAllSecrets(message);
  const isWhole = Object.keys(kept).length === Object.keys(all).length;
  if (isWhole && masked === event.message) return { event };
  return { event, whole: { ...base, ...withMetadata(all), message: masked } };
}

function withMetadata(metadata: Record<string, string>): Pick<FluxEvent, 'metadata'> {
  return Object.keys(metadata).length === 0 ? {} : { metadata };
}

/** Few characters may be many bytes of JSON: the message of an event that is still too large is cut. */
function withinSize(event: FluxEvent): FluxEvent {
  let { message } = event;
  while (Buffer.byteLength(JSON.stringify({ ...event, message })) > MAX_EVENT_BYTES) {
    message = eventMessage(message, Math.floor(message.length / 2));
  }
  return { ...event, message };
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    // What is not JSON is a normal result here and no failure: the sender gets an answer that says so.
    return undefined;
  }
}

/** In whole seconds, as Kubernetes writes times. A missing time is the present one. */
function timeOf(text: string | undefined): string | undefined {
  const time = text ? new Date(text) : new Date();
  return Number.isNaN(time.getTime()) ? undefined : kubeTime(time);
}

/** As many entries as there is room for, sorted by name, so that the same ones are left out each time. */
function boundedMetadata(metadata: Readonly<Record<string, string>>): Record<string, string> {
  const kept: Record<string, string> = {};
  let room = MAX_METADATA;
  for (const key of Object.keys(metadata).sort().slice(0, MAX_KEYS)) {
    const value = metadata[key] ?? '';
    room -= key.length + value.length;
    if (room >= 0) kept[key] = value;
  }
  return kept;
}

function isTextOrMissing(value: unknown): boolean {
  return value === undefined || value === null || typeof value === 'string';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
