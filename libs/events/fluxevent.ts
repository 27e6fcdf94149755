import type { KubeObject } from '@weir/kube';
import { maskSecrets } from '@weir/telemetry';

/** Reference to the object that an event is about: the fields of a core/v1 ObjectReference. */
export interface InvolvedObject {
  apiVersion: string;
  kind: string;
  namespace: string;
  name: string;
  uid: string;
  resourceVersion?: string;
}

/**
 * An event in the form of Flux's controllers (`event.toolkit.fluxcd.io/v1beta1`), which receivers of Flux's events can
 * read.
 */
export interface FluxEvent {
  involvedObject: InvolvedObject;
  severity: 'info' | 'error';
  /** RFC 3339, seconds. */
  timestamp: string;
  message: string;
  reason: string;
  metadata?: Record<string, string>;
  reportingController: string;
  reportingInstance: string;
}

/** Upper bound of `message` in the Flux event's schema. */
const MAX_MESSAGE = 39_000;

/** The annotations of an object may have 256 KiB, and each event would contain them. Characters. */
const MAX_ANNOTATIONS = 16_384;

/** Annotations of an object with this prefix go into the metadata of its events. */
const EVENT_ANNOTATION_PREFIX = 'event.toolkit.fluxcd.io/';

export function referenceTo(object: KubeObject): InvolvedObject {
  const { metadata } = object;
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    uid: metadata.uid ?? '',
    ...(metadata.resourceVersion === undefined
      ? {}
      : { resourceVersion: metadata.resourceVersion }),
  };
}

/**
 * The metadata of a published event: plain keys are prefixed with the object's API group
 * (`kustomize.toolkit.fluxcd.io/revision`), secrets in values are masked, and the object's own
 * `event.toolkit.fluxcd.io/` annotations are added, as by Flux's recorder.
 */
export function eventMetadata(
  object: KubeObject,
  metadata: Record<string, string> = {},
): Record<string, string> {
  const group = object.apiVersion.includes('/') ? object.apiVersion.split('/')[0] : undefined;
  const all: Record<string, string> = {};
  for (const [key, value] of Object.entries(metadata)) {
    all[key.includes('/') || group === undefined ? key : `${group}/${key}`] = maskSecrets(value);
  }
  let room = MAX_ANNOTATIONS;
  for (const [key, value] of Object.entries(object.metadata.annotations ?? {})) {
    if (!key.startsWith(EVENT_ANNOTATION_PREFIX)) continue;
    room -= key.length + value.length;
    if (room < 0) break;
    all[key] = maskSecrets(value);
  }
  return all;
}

/** A message without secrets, within `limit` characters. */
export function eventMessage(message: string, limit = MAX_MESSAGE): string {
  const masked = maskSecrets(message);
  return masked.length <= limit ? masked : `${masked.slice(0, limit - 3)}...`;
}

/** A time as Kubernetes' metav1.Time prints it: RFC 3339 in seconds. */
export function kubeTime(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, 'Z');
}

/** No name, reason or time in an event is longer: names of Kubernetes have 253 characters. */
const MAX_TEXT = 512;

/**
 * Parses the event of a message; undefined if a required field is missing, is of another type, or is longer than the
 * recorder makes it.
 */
export function parseEvent(data: unknown): FluxEvent | undefined {
  if (typeof data !== 'object' || data === null) return undefined;
  const event = data as Partial<Record<keyof FluxEvent, unknown>>;
  if (!isText(event.message, MAX_MESSAGE)) return undefined;
  if (!hasTexts(event, ['timestamp', 'reason', 'reportingController'], MAX_TEXT)) return undefined;
  if (event.severity !== 'info' && event.severity !== 'error') return undefined;
  const { involvedObject, metadata = {} } = event;
  const names = ['apiVersion', 'kind', 'namespace', 'name', 'uid'];
  if (!hasTexts(involvedObject, names, MAX_TEXT)) return undefined;
  const keys = Object.keys(metadata ?? {});
  return hasTexts(metadata, keys, MAX_MESSAGE) ? (data as FluxEvent) : undefined;
}

function hasTexts(value: unknown, names: readonly string[], limit: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const fields = value as Record<string, unknown>;
  return names.every((name) => isText(fields[name], limit));
}

function isText(value: unknown, limit: number): boolean {
  return typeof value === 'string' && value.length <= limit;
}
