import { type Alert, type Provider, Reason } from '@weir/api';
import { createBoundedMap } from '@weir/async';
import type { FluxEvent, Recorder } from '@weir/events';
import { objectKey } from '@weir/kube';
import type { Logger, Metrics } from '@weir/telemetry';
import type { Delivery } from './record.ts';

/**
 * Records what became of deliveries: as Kubernetes Events of the alert, which has no status to hold it, in the log and in
 * the metrics.
 */
export interface Reports {
  count(result: 'sent' | 'failed' | 'dropped', provider?: Provider): void;
  /**
   * Warns the owner at the first failure and when the delivery is given up (`retryInMs` undefined), and logs each failure.
   */
  failure(what: {
    alert: Alert;
    event: FluxEvent;
    why: string;
    attempt: number;
    retryInMs: number | undefined;
  }): void;
  lostEvent(alert: Alert, delivery: Delivery, why: string): void;
  /** The object of an event is gone, and its labels would decide. */
  missingObject(alert: Alert, event: FluxEvent): void;
  /** An alert names objects of another namespace, and may not. */
  refusedSource(alert: Alert, event: FluxEvent): void;
  /** Warns once for each generation of an alert. */
  invalidPatterns(alert: Alert, invalid: readonly string[]): void;
  metadataConflicts(alert: Alert, keys: readonly string[]): void;
}

const MAX_ALERTS = 10_000;
const MAX_KEYS = 20;

export function createReports(options: {
  recorder: Recorder;
  metrics: Metrics;
  log: Logger;
}): Reports {
  const { recorder, log } = options;
  const notifications = options.metrics.counter(
    'weir_notifications_total',
    'Notifications by provider type and result (sent, failed, dropped)',
  );
  const saidOf = createBoundedMap<string, number>({ max: MAX_ALERTS });

  function warn(alert: Alert, reason: Reason, message: string): void {
    recorder.event(alert, { severity: 'error', reason, message });
  }

  return {
    count(result, provider) {
      notifications.add(1, { type: provider?.spec.type ?? 'unknown', result });
    },
    failure({ alert, event, why, attempt, retryInMs }) {
      const givenUp = retryInMs === undefined;
      const object = nameOf(event.involvedObject);
      log.warn(
        { alert: objectKey(alert), object, attempt, why },
        givenUp ? 'gave up on a notification' : 'notification failed, will try again',
      );
      if (attempt > 1 && !givenUp) return;
      const ending = givenUp ? '; given up' : '; trying again';
      const message = `failed to dispatch notification for ${object}: ${why}${ending}`;
      warn(alert, Reason.NotificationDispatchFailed, message);
    },
    lostEvent(alert, { object }, why) {
      const name = nameOf(object);
      log.warn({ alert: objectKey(alert), object: name, why }, 'gave up on a notification');
      const message = `failed to dispatch notification for ${name}: ${why}; given up`;
      warn(alert, Reason.NotificationDispatchFailed, message);
    },
    missingObject(alert, { involvedObject }) {
      const message = `error getting source object ${nameOf(involvedObject)}: it is gone, and its labels can't be read`;
      warn(alert, Reason.SourceFetchFailed, message);
    },
    refusedSource(alert, { involvedObject }) {
      const name = nameOf(involvedObject);
      const why = `alert '${objectKey(alert)}' can't process event from '${name}', cross-namespace references have been blocked`;
      const message = `failed to dispatch notification for ${name}: ${why}`;
      warn(alert, Reason.NotificationDispatchFailed, message);
    },
    invalidPatterns(alert, invalid) {
      const { uid = objectKey(alert), generation = 0 } = alert.metadata;
      if (saidOf.get(uid) === generation) return;
      saidOf.set(uid, generation);
      warn(alert, Reason.InvalidConfig, `not a regular expression of Go: ${invalid.join(', ')}`);
    },
    metadataConflicts(alert, keys) {
      const some = keys.slice(0, MAX_KEYS).join(', ');
      warn(alert, Reason.MetadataAppendFailed, `metadata keys given by several sources: ${some}`);
    },
  };
}

function nameOf({ kind, namespace, name }: FluxEvent['involvedObject']): string {
  return `${kind}/${namespace}/${name}`;
}
