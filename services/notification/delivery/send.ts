// Sends one message to one receiver: adds the alert's metadata and the text of its template, and calls the type of its
// Provider.
import type { Alert, Provider } from '@weir/api';
import { objectKey } from '@weir/kube';
import type { Tracing } from '@weir/telemetry';
import { eventForAlert } from '../alerts/metadata.ts';
import type { StoredEvent, WholeEvents } from '../events/whole.ts';
import type { IoFor } from '../providers/io/io.ts';
import type { ReadTarget } from '../providers/read-target.ts';
import type { Rollout } from '../providers/rollout.ts';
import { shortenEvent } from '../providers/shorten.ts';
import { typeOf } from '../providers/types.ts';
import type { ApplyTemplate, GroupFacts } from '../templates/apply.ts';
import { DeliveryError } from './errors.ts';
import type { Reports } from './report.ts';

/** A message that is to be sent. */
export interface Message {
  alert: Alert;
  provider: Provider | undefined;
  event: StoredEvent;
  /** Unique to the message, and the same in each attempt. */
  id: string;
  /** The place of its newest event in the stream of events. */
  order: number;
  /** What the message belongs to, if that isn't the object of its event. */
  rollout?: Rollout;
  /** The group of failures that the message is about, for templates. */
  group?: GroupFacts;
  traceparent?: string | undefined;
  signal: AbortSignal;
}

/** Resolves when the receiver has the message. Rejects with a DeliveryError, or with the API server's error. */
export type Send = (message: Message) => Promise<void>;

export function createSend(work: {
  readTarget: ReadTarget;
  ioFor: IoFor;
  wholeEvents: Pick<WholeEvents, 'read'>;
  applyTemplate: ApplyTemplate;
  reports: Pick<Reports, 'sent' | 'metadataConflicts'>;
  tracing: Tracing;
}): Send {
  return async ({ alert, provider, event, group, traceparent, signal, ...more }) => {
    if (provider === undefined) throw missingProvider(alert);
    const type = typeOf(provider);
    if (type === undefined) throw unknownType(provider);

    // Texts of the alert's own template, and those about a group, are made from the shortened event in the stream.
    const passesOn = alert.spec.template === undefined && group === undefined;
    const whole = await work.wholeEvents.read(event, passesOn ? (type.wholeUpTo ?? 0) : 0);
    const { event: completed, conflicts } = eventForAlert(alert, whole);
    if (conflicts.length > 0) work.reports.metadataConflicts(alert, conflicts);
    const attributes = {
      'weir.provider.type': provider.spec.type,
      'weir.alert': objectKey(alert),
      'weir.reason': event.reason,
    };
    const parent = traceparent === undefined ? {} : { parent: traceparent };
    await work.tracing.span(`notify ${provider.spec.type}`, { ...parent, attributes }, async () => {
      const target = await work.readTarget(provider, signal);
      const worded = await work.applyTemplate({ alert, provider, event: completed, group, signal });
      const { id, order, rollout } = more;
      const attempted = {
        ...{ alert, event: worded, order, id, signal },
        ...(rollout && { rollout }),
      };
      const message = type.textLimit === undefined ? worded : shortenEvent(worded, type.textLimit);
      await type.send(message, target, work.ioFor(target, attempted));
    });
    work.reports.sent({ alert, provider, event });
  };
}

function missingProvider(alert: Alert): DeliveryError {
  const name = `${alert.metadata.namespace}/${alert.spec.providerRef.name}`;
  return new DeliveryError('ProviderNotFound', `provider '${name}' not found: create it`);
}

function unknownType(provider: Provider): DeliveryError {
  const message = `provider '${objectKey(provider)}' is of a type that Weir doesn't know: ${provider.spec.type}`;
  return new DeliveryError('UnsupportedField', message);
}
