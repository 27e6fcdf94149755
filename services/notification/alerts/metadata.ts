import type { Alert } from '@weir/api';
import type { FluxEvent } from '@weir/events';
import { parseApiVersion } from '@weir/kube';

/** Prefix of annotations on an object by which users add metadata to its events. */
const EVENT_GROUP = 'event.toolkit.fluxcd.io';

/** Keys that controllers use among themselves and that no message shows. */
const INTERNAL_KEYS = ['token'];

/** The event as an alert sends it, and the keys that more than one source gave (worth a warning). */
export interface AlertEvent {
  event: FluxEvent;
  conflicts: string[];
}

/**
 * Puts together what a message says besides its text. Later sources win over earlier ones:
 * annotations of the object, the alert's `eventMetadata`, its `summary`, and what the controller
 * that sent the event says (Flux RFC 0008). Prefixes are taken off the keys; with nothing known
 * under a known prefix the metadata stays as it came.
 */
export function eventForAlert(alert: Alert, event: FluxEvent): AlertEvent {
  const { group } = parseApiVersion(event.involvedObject.apiVersion);
  const sent = withoutInternal(event.metadata ?? {}, group);
  const sources: Record<string, string>[] = [
    stripped(sent, EVENT_GROUP),
    alert.spec.eventMetadata ?? {},
    alert.spec.summary ? { summary: alert.spec.summary } : {},
    stripped(sent, group),
  ];
  const metadata: Record<string, string> = Object.assign({}, ...sources);
  const conflicts = Object.keys(metadata)
    .filter((key) => sources.filter((source) => key in source).length > 1)
    .sort();
  const known = Object.keys(metadata).length > 0;
  return { event: { ...event, metadata: known ? metadata : sent }, conflicts };
}

function stripped(metadata: Record<string, string>, group: string): Record<string, string> {
  const prefix = `${group}/`;
  return Object.fromEntries(
    Object.entries(metadata)
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => [key.slice(prefix.length), value]),
  );
}

function withoutInternal(metadata: Record<string, string>, group: string) {
  const internal = new Set(INTERNAL_KEYS.map((key) => `${group}/${key}`));
  return Object.fromEntries(Object.entries(metadata).filter(([key]) => !internal.has(key)));
}
