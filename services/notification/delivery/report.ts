import { type Alert, type Provider, Reason } from '@weir/api';
import { createBoundedMap } from '@weir/async';
import type { FluxEvent, Recorder } from '@weir/events';
import { objectKey } from '@weir/kube';
import type { Logger, Metrics } from '@weir/telemetry';
import type { Outcomes } from './outcomes.ts';
import type { Delivery } from './record.ts';

/**
 * Reports the results of deliveries: as Kubernetes Events of the alert, which has no status for them, in the log and in
 * the metrics.
 */
export interface Reports {
  /** A message arrived. Its alert gets an Event for the first one, and for the first one after a failure. */
  sent(what: { alert: Alert; provider: Provider; event: FluxEvent }): void;
  /**
   * Warns the owner at the first failure and when the delivery is given up (`retryInMs` undefined), and logs each failure.
   */
  failure(what: {
    alert: Alert;
    provider: Provider | undefined;
    event: FluxEvent;
    why: string;
    attempt: number;
    retryInMs: number | undefined;
  }): void;
  lostEvent(alert: Alert, delivery: Delivery, why: string): void;
  /** The object of an event is gone, and its labels would decide. */
  missingObject(alert: Alert, event: FluxEvent): void;
  /** An alert names objects of another namespace, which it must not. */
  refusedSource(alert: Alert, event: FluxEvent): void;
  /** Warns once for each generation of an alert. */
  invalidPatterns(alert: Alert, invalid: readonly string[]): void;
  metadataConflicts(alert: Alert, keys: readonly string[]): void;
  /** Warns once for each generation of an alert and reason that its template can't be used. */
  failedTemplate(alert: Alert, why: string): void;
}

const MAX_ALERTS = 10_000;
const MAX_SERIES = 5_000;
const MAX_KEYS = 20;

export function createReports(options: {
  recorder: Recorder;
  metrics: Metrics;
  outcomes: Pick<Outcomes, 'record'>;
  log: Logger;
}): Reports {
  const { recorder, outcomes, log } = options;
  const notifications = options.metrics.counter(
    'weir_notifications_total',
    'Notifications by provider type and result (sent, failed, dropped)',
  );
  const ofAlerts = options.metrics.counter(
    'weir_alert_notifications_total',
    'Notifications by alert, its provider and result (sent, failed, dropped)',
  );
  const saidOf = createBoundedMap<string, number>({ max: MAX_ALERTS });
  // Whether the last message of an alert arrived, by its UID and generation.
  const arrived = createBoundedMap<string, boolean>({ max: MAX_ALERTS });
  // Tenants may create and delete alerts without end, and a series stays: so many alerts have a series of their own.
  const series = new Set<string>();

  function count(
    result: 'sent' | 'failed' | 'dropped',
    alert: Alert,
    provider: Provider | undefined,
  ): void {
    notifications.add(1, { type: provider?.spec.type ?? 'unknown', result });
    const key = objectKey(alert);
    const isKnown = series.has(key) || series.size < MAX_SERIES;
    if (isKnown) series.add(key);
    const { namespace = '', name } = alert.metadata;
    ofAlerts.add(1, {
      namespace: isKnown ? namespace : 'others',
      alert: isKnown ? name : 'others',
      provider: isKnown ? alert.spec.providerRef.name : 'others',
      result,
    });
  }

  function saidOnce(alert: Alert, what: string): boolean {
    const { uid = objectKey(alert), generation = 0 } = alert.metadata;
    const key = `${uid} ${what}`;
    if (saidOf.get(key) === generation) return true;
    saidOf.set(key, generation);
    return false;
  }

  function warn(alert: Alert, reason: Reason, message: string): void {
    recorder.event(alert, { severity: 'error', reason, message });
  }

  return {
    sent({ alert, provider, event }) {
      count('sent', alert, provider);
      const object = nameOf(event.involvedObject);
      outcomes.record(alert, { result: 'sent', object });
      const { uid = objectKey(alert), generation = 0 } = alert.metadata;
      const key = `${uid} ${generation}`;
      const before = arrived.get(key);
      arrived.set(key, true);
      if (before === true) return;
      const again = before === false ? ' again' : '';
      const message = `notifications arrive${again} at provider '${provider.metadata.name}', the first one for ${object}`;
      // It is a Kubernetes Event only, because receivers of the alert see it anyway.
      recorder.event(alert, { severity: 'trace', reason: Reason.NotificationDispatched, message });
    },
    failure({ alert, provider, event, why, attempt, retryInMs }) {
      const givenUp = retryInMs === undefined;
      const object = nameOf(event.involvedObject);
      count(givenUp ? 'dropped' : 'failed', alert, provider);
      outcomes.record(alert, { result: givenUp ? 'dropped' : 'failed', object, why });
      const { uid = objectKey(alert), generation = 0 } = alert.metadata;
      arrived.set(`${uid} ${generation}`, false);
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
      count('dropped', alert, undefined);
      outcomes.record(alert, { result: 'dropped', object: name, why });
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
      if (saidOnce(alert, 'patterns')) return;
      warn(alert, Reason.InvalidConfig, `not a regular expression of Go: ${invalid.join(', ')}`);
    },
    metadataConflicts(alert, keys) {
      const some = keys.slice(0, MAX_KEYS).join(', ');
      warn(alert, Reason.MetadataAppendFailed, `metadata keys given by several sources: ${some}`);
    },
    failedTemplate(alert, why) {
      if (saidOnce(alert, why)) return;
      const message = `its template can't be used, the message goes without: ${why}`;
      warn(alert, Reason.InvalidConfig, message);
    },
  };
}

function nameOf({ kind, namespace, name }: FluxEvent['involvedObject']): string {
  return `${kind}/${namespace}/${name}`;
}
