import type { Alert } from '@weir/api';
import type { FluxEvent } from '@weir/events';
import { parseApiVersion } from '@weir/kube';

/** Prefix of annotations on an object by which users add metadata to its events. */
const EVENT_GROUP = 'event.toolkit.fluxcd.io';

/** Keys that controllers use among themselves under the object's group, which no message shows. In lower case. */
const INTERNAL_KEYS = ['checksum', 'digest'];
const TOKEN = 'token';

/** The event as an alert sends it, and the keys that more than one source gave (worth a warning). */
export interface AlertEvent {
  event: FluxEvent;
  conflicts: string[];
}

/**
 * Collects the metadata of a message. Later sources replace earlier ones: annotations of the object, the alert's
 * `eventMetadata`, its `summary`, and the metadata from the controller that sent the event (Flux RFC 0008). Of the
 * event's own metadata only keys of the object's group and of annotations are used, without their prefixes.
 */
export function eventForAlert(alert: Alert, event: FluxEvent): AlertEvent {
  const { group } = parseApiVersion(event.involvedObject.apiVersion);
  const sent = event.metadata ?? {};
  const sources: Record<string, string>[] = [
    stripped(sent, EVENT_GROUP),
    alert.spec.eventMetadata ?? {},
    alert.spec.summary ? { summary: alert.spec.summary } : {},
    withoutInternal(stripped(sent, group)),
  ];
  const metadata: Record<string, string> = Object.assign({}, ...sources);
  const conflicts = Object.keys(metadata)
    .filter((key) => sources.filter((source) => key in source).length > 1)
    .sort();
  const { metadata: _, ...rest } = event;
  const known = Object.keys(metadata).length > 0;
  return { event: { ...rest, ...(known ? { metadata } : {}) }, conflicts };
}

function stripped(metadata: Record<string, string>, group: string): Record<string, string> {
  if (group === '') return {};
  const prefix = `${group}/`;
  return Object.fromEntries(
    Object.entries(metadata)
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => [key.slice(prefix.length), value]),
  );
}

function withoutInternal(metadata: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(metadata).filter(
      ([key]) => key !== TOKEN && !INTERNAL_KEYS.includes(key.toLowerCase()),
    ),
  );
}
