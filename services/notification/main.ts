import { Alert, Provider } from '@weir/api';
import { createInformer } from '@weir/controller';
import { consumeEvents, createRecorder } from '@weir/events';
import {
  fluxNamespaces,
  type RunningService,
  type Service,
  watchFluxLeaders,
  whileFree,
} from '@weir/service';
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

  async start({ client, bus, log, metrics, tracing, settings, instance, namespace, signal }) {
    const alerts = createInformer<Alert>(client, Alert, { log, signal });
    const providers = createInformer<Provider>(client, Provider, { log, signal });
    const leaders = watchFluxLeaders({
      client,
      controllers: [COMPONENT],
      namespaces: fluxNamespaces(settings, namespace),
      log,
    });
    const recorder = createRecorder({ bus, client, component: COMPONENT, instance, log, tracing });

    /** Providers have no status to say it in. */
    function refuse(provider: Provider): void {
      const fields = unsupportedProvider(provider);
      if (fields.length === 0 || leaders.blocked() !== undefined) return;
      const message = `Weir can't do this yet, no message is sent: ${fields.join(', ')}`;
      recorder.event(provider, { severity: 'error', reason: 'UnsupportedField', message });
    }
    providers.onChange(({ type, object, previous }) => {
      const same = previous?.metadata.generation === object.metadata.generation;
      if (type !== 'deleted' && !(type === 'modified' && same)) refuse(object);
    });
    leaders.onChange(() => providers.list().forEach(refuse));

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
        whileFree(leaders, AbortSignal.any([signal, stopping.signal]), (free) =>
          consumeEvents(bus, {
            durable: DURABLE,
            concurrency: settings.number('concurrent', 16, { min: 1 }),
            signal: free,
            handle: dispatch,
            log,
            metrics,
          }),
        ),
      (error: unknown) => {
        if (!stopping.signal.aborted) throw error;
      },
    );

    const running: RunningService = {
      ready() {
        if (!alerts.hasSynced() || !providers.hasSynced())
          return 'alerts and providers not read yet';
        return leaders.blocked() ?? true;
      },
      async close() {
        stopping.abort();
        alerts.close();
        providers.close();
        leaders.close();
        await consuming;
      },
    };
    return running;
  },
};
