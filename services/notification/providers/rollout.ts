// Which message an event belongs to, for types that change a message in place.
import type { Alert } from '@weir/api';
import { kindGroup } from '@weir/bus';
import type { FluxEvent } from '@weir/events';

/** A sequence of events that is shown in one message: each event changes it. */
export interface Rollout {
  /** What it is about, such as an object for one alert. */
  key: string;
  /** Identifies the rollout; with another id a new message begins. */
  id: string;
  /** Only the message changes, and nothing is added in its thread. */
  quiet?: true;
}

/**
 * The rollout of a single event: the object of the event, as the alert has it, and the revision that the event names. The
 * event is the one that is sent, whose metadata have no prefixes.
 */
export function rolloutOf(
  { metadata }: Alert,
  { involvedObject, metadata: facts }: FluxEvent,
): Rollout {
  const { uid = '' } = metadata;
  const { apiVersion, kind, namespace, name } = involvedObject;
  const key = `${uid}/${kindGroup(kind, apiVersion)}/${namespace}/${name}`;
  return { key, id: facts?.revision ?? facts?.originRevision ?? '' };
}
