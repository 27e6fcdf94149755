import type { FluxEvent, InvolvedObject } from '@weir/events';

/**
 * One event that is to be sent for one alert, as it is in the stream. The event stays in its own stream and is read
 * when it is sent: a message to a thousand alerts is stored once.
 */
export interface Delivery {
  alert: { namespace: string; name: string; uid: string };
  event: { sequence: number; id: string };
  /** From the event, for readers of a dead letter. */
  object: InvolvedObject;
  severity: FluxEvent['severity'];
  reason: string;
  timestamp: string;
}

/** Unique to an event and an alert: the stream stores no second message with it. */
export function deliveryId({ event, alert }: Delivery): string {
  return `${event.id}/${alert.uid || `${alert.namespace}/${alert.name}`}`;
}

/** Parses a message of the stream; undefined for what is no delivery. */
export function parseDelivery(data: unknown): Delivery | undefined {
  if (!isRecord(data) || !isRecord(data.alert) || !isRecord(data.event)) return undefined;
  const { alert, event, object } = data;
  const texts = [alert.namespace, alert.name, alert.uid, event.id];
  const whole = texts.every((text) => typeof text === 'string') && isRecord(object);
  return whole && Number.isSafeInteger(event.sequence) ? (data as unknown as Delivery) : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
