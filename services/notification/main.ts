import { Alert, Provider } from '@weir/api';
import { createInformer, type RunningService, type Service } from '@weir/controller';
import { consumeEvents, createRecorder } from '@weir/events';
import { labelReader } from './alerts/labels.ts';
import { createDelivered } from './delivery/delivered.ts';
import { createDispatcher } from './delivery/dispatch.ts';
import { unsupportedProvider } from './providers/senders.ts';

/** Name under which Flux's clients know who alerts. */
const COMPONENT = 'notification-controller';
/** One durable consumer for all replicas: whichever is free takes the next event. */
const DURABLE = 'notification';

/** Turns events on the stream into messages, as Alerts and Providers say. */
export const service: Service = {
  name: 'notification',

  async start({ client, bus, log, metrics, tracing, settings, instance, signal }) {
    const alerts = createInformer<Alert>(client, Alert, { log, signal });
    const providers = createInformer<Provider>(client, Provider, { log, signal });
    const recorder = createRecorder({ bus, client, component: COMPONENT, instance, log, tracing });

    providers.onChange(({ type, object, previous }) => {
      const fields = type === 'deleted' ? [] : unsupportedProvider(object);
      const same = previous?.metadata.generation === object.metadata.generation;
      if (fields.length === 0 || (type === 'modified' && same)) return;
      const message = `Weir can't do this yet, no message is sent: ${fields.join(', ')}`;
      recorder.event(object, { severity: 'error', reason: 'UnsupportedField', message });
    });

    const watched = metrics.gauge(
      'weir_notification_objects',
      'Alerts and Providers known, by kind',
    );
    for (const [kind, informer] of Object.entries({ Alert: alerts, Provider: providers })) {
      informer.onChange(() => watched.set(informer.list().length, { kind }));
    }

    const dispatch = createDispatcher({
      alerts,
      providers,
      client,
      readLabels: labelReader(client),
      delivered: createDelivered(),
      recorder,
      tracing,
      metrics,
      log,
      noCrossNamespaceRefs: settings.boolean('no-cross-namespace-refs', false),
    });

    const stopping = new AbortController();
    // An event that comes before the alerts are known would reach nobody.
    const known = Promise.all([alerts.synced(), providers.synced()]);
    const consuming = known.then(
      () =>
        consumeEvents(bus, {
          durable: DURABLE,
          concurrency: settings.number('concurrent', 16),
          signal: AbortSignal.any([signal, stopping.signal]),
          handle: dispatch,
          log,
          metrics,
        }),
      (error: unknown) => {
        if (!stopping.signal.aborted) throw error;
      },
    );

    const running: RunningService = {
      ready: () =>
        (alerts.hasSynced() && providers.hasSynced()) || 'alerts and providers not read yet',
      async close() {
        stopping.abort();
        alerts.close();
        providers.close();
        await consuming;
      },
    };
    return running;
  },
};
