// Removes from the content of a cluster what differs between two runs of the same system, and nothing else.
import type { KubeObject } from '@weir/kube';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

const UUID = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g;
const GO_DURATION = '(?:\\d+(?:\\.\\d+)?(?:ns|µs|μs|us|ms|s|m|h))+';
/** Durations of work that was done. Configured durations ("timeout of 5m0s", "next run in 1h0m0s") are kept. */
const TOOK = new RegExp(`\\b(finished in|passed in|failed after) ${GO_DURATION}`, 'g');
const TIME = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g;

/** The folder into which Flux unpacks an artifact. Its messages contain it before the names of files. */
const BUILD_FOLDER = /(?:\/private)?\/tmp\/kustomization-\d+\/?/g;

/** Removes durations, times, UIDs, ports and temporary folders from a message. */
export function normalizeText(text: string): string {
  return text
    .replaceAll(TOOK, '$1 <duration>')
    .replaceAll(TIME, '<time>')
    .replaceAll(UUID, '<uid>')
    .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:<port>')
    .replaceAll(BUILD_FOLDER, '')
    .replaceAll(/pid \d+/g, 'pid <pid>');
}

/** Normalizes each text in a value, and sorts its keys. */
export function normalizeValue(value: unknown): Json {
  if (typeof value === 'string') return normalizeText(value);
  if (Array.isArray(value)) return value.map(normalizeValue);
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined);
    entries.sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(entries.map(([key, item]) => [key, normalizeValue(item)]));
  }
  return value as Json;
}

/** Field managers that are not compared: Kubernetes' own controllers and the fake nodes. */
const IGNORED_MANAGERS = new Set(['kube-controller-manager', 'kube-scheduler', 'kwok']);
/** Annotations that Kubernetes' controllers set some time after the creation. */
const LATE_ANNOTATIONS = new Set(['deployment.kubernetes.io/revision']);
/** Fields whose values the API server assigns. */
const ASSIGNED_FIELDS = ['clusterIP', 'clusterIPs'];

/**
 * The sorted field managers of an object, without ignored ones, in the form `<manager> <operation>[ <subresource>]
 * [ <version>]`. The version is only given when it differs from the object's.
 */
export function managersOf(object: KubeObject): string[] {
  const entries = object.metadata.managedFields ?? [];
  const names = entries
    .filter(({ manager = '' }) => !IGNORED_MANAGERS.has(manager))
    .map(({ manager, operation, subresource, apiVersion }) => {
      const version = apiVersion === object.apiVersion ? undefined : apiVersion;
      return [manager, operation, subresource, version].filter(Boolean).join(' ');
    });
  return [...new Set(names)].sort();
}

/** A managed object in the form that is compared: without its status, and without metadata that the API server sets. */
export function normalizeObject(object: KubeObject): JsonObject {
  const { apiVersion, kind: _kind, metadata, status: _status, ...rest } = object;
  const { labels, finalizers, ownerReferences, deletionTimestamp } = metadata;
  const annotations = Object.entries(metadata.annotations ?? {}).filter(
    ([key]) => !LATE_ANNOTATIONS.has(key),
  );
  const owners = ownerReferences?.map(({ kind, name }) => `${kind}/${name}`);
  return normalizeValue({
    apiVersion,
    ...(labels ? { labels } : {}),
    ...(annotations.length > 0 ? { annotations: Object.fromEntries(annotations) } : {}),
    ...(finalizers?.length ? { finalizers } : {}),
    ...(owners?.length ? { owners } : {}),
    ...(deletionTimestamp === undefined ? {} : { terminating: true }),
    managers: managersOf(object),
    ...withoutAllotted(rest),
  }) as JsonObject;
}

function withoutAllotted({ spec, ...rest }: Record<string, unknown>): Record<string, unknown> {
  if (typeof spec !== 'object' || spec === null)
    return spec === undefined ? rest : { spec, ...rest };
  const kept = Object.entries(spec).filter(([key]) => !ASSIGNED_FIELDS.includes(key));
  return { spec: Object.fromEntries(kept), ...rest };
}

interface Condition {
  type: string;
  status: string;
  reason: string;
  message: string;
  observedGeneration?: number;
}

/** The conditions by their type, without their times. */
export function normalizeConditions(conditions: readonly Condition[] = []): JsonObject {
  return Object.fromEntries(
    conditions.map(({ type, status, reason, message, observedGeneration }) => [
      type,
      normalizeValue({ status, reason, message, observedGeneration }),
    ]),
  );
}
