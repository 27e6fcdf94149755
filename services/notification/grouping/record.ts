import type { FluxEvent, InvolvedObject } from '@weir/events';
import type { Delivery } from '../delivery/record.ts';

/** A failure of an object, as it is recorded in a group. */
export interface Failure {
  event: Delivery['event'];
  object: InvolvedObject;
  reason: string;
  /** The beginning of the message. */
  message: string;
  controller: string;
  /** When it first happened, in ms since 1970. */
  atMs: number;
}

/** The state of a group of failures without its objects, which are messages of their own. */
export interface Group {
  alert: Delivery['alert'];
  /** Unique to the group; a group that starts again after its end has another one. */
  id: string;
  first: Failure;
  openedMs: number;
  /** Since when objects have joined or left without a message about that; undefined if none have. */
  joinedMs?: number;
  leftMs?: number;
  /**
   * The last message: when it was sent, about how many objects, the number of messages, and which of them can be
   * changed.
   */
  sent?: { atMs: number; count: number; messages: number; message: number };
  /** The sequence of the newest of its events in the stream of events. */
  newest: number;
  /** The largest number of objects at any check. */
  most: number;
  /** Whether objects have recovered, and whether some fail in another way by now. */
  recovered?: true;
  moved?: true;
}

const MAX_EXCERPT = 2_048;

export function failureOf(event: FluxEvent, of: Delivery['event']): Failure {
  return {
    event: of,
    object: event.involvedObject,
    reason: event.reason,
    message: event.message.slice(0, MAX_EXCERPT),
    controller: event.reportingController,
    atMs: Date.parse(event.timestamp) || Date.now(),
  };
}

/** The event of a failure as far as it can be restored, when it is no longer in its stream. */
export function eventOfFailure(failure: Failure): FluxEvent {
  return {
    involvedObject: failure.object,
    severity: 'error',
    timestamp: new Date(failure.atMs).toISOString().replace(/\.\d+Z$/, 'Z'),
    message: failure.message,
    reason: failure.reason,
    reportingController: failure.controller,
    reportingInstance: failure.controller,
  };
}

/** Parses a message of the stream; undefined for what is no group. */
export function parseGroup(data: unknown): Group | undefined {
  if (!isRecord(data) || !isRecord(data.alert) || parseFailure(data.first) === undefined) {
    return undefined;
  }
  const { alert, id, openedMs, most, newest } = data;
  const texts = [alert.namespace, alert.name, alert.uid, id];
  const numbers = [openedMs, most, newest];
  const whole =
    texts.every((text) => typeof text === 'string') &&
    numbers.every((number) => Number.isFinite(number));
  return whole ? (data as unknown as Group) : undefined;
}

export function parseFailure(data: unknown): Failure | undefined {
  if (!isRecord(data) || !isRecord(data.object) || !isRecord(data.event)) return undefined;
  const { object, event, message, reason, controller, atMs } = data;
  const names = [object.apiVersion, object.kind, object.namespace, object.name];
  const texts = [...names, event.id, message, reason, controller];
  const whole = texts.every((text) => typeof text === 'string') && Number.isFinite(atMs);
  return whole ? (data as unknown as Failure) : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
