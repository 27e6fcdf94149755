// What many deliveries cost that wait for a target that is down.
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '@weir/cluster';
import { Namespace } from '@weir/kube';
import { spentOn } from '../measure/window.ts';
import type { OwnScenario } from '../scenario.ts';
import { applyAlert, eventOf, publish } from './alert-events.ts';

/** A namespace may have 10,000 that wait, and all together 100,000. */
const NAMESPACES = 11;
const EVENTS = 9_000;
const SENDERS = 64;
/** How long it is looked at when all wait. */
const LOOK_MS = 20_000;

export const alertsWaiting: OwnScenario = {
  kind: 'own',
  name: 'alerts-waiting',
  about: `${NAMESPACES * EVENTS} events to a target that is down`,
  runs: 'alerts',
  sizes: () => [1],
  async run(trial) {
    const address = `http://127.0.0.1:${await freePort()}/hook`;
    const namespaces = Array.from({ length: NAMESPACES }, (_, index) => `waiting-${index}`);
    for (const name of namespaces) {
      const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
      await trial.environment.client.apply(Namespace, namespace, { fieldManager: 'bench' });
      await applyAlert(trial, address, name);
    }
    // Alerts are known by watches.
    await delay(2_000);
    const events = namespaces.flatMap((namespace) =>
      Array.from({ length: EVENTS }, (_, index) => eventOf(trial, `app-${index}`, namespace)),
    );
    trial.progress(`${events.length} events to a target that is down`);
    const { spent } = await spentOn(
      trial,
      async () => {
        const waiting = events.values();
        const sender = async () => {
          for (const event of waiting) await publish(trial, event);
        };
        await Promise.all(Array.from({ length: SENDERS }, sender));
        await delay(LOOK_MS);
      },
      { quietMs: 0 },
    );
    const name = `${events.length} events to a target that is down`;
    const about = { apps: 1, count: events.length, unit: 'event' };
    return [{ id: 'waiting', name, ...about, times: {}, spent }];
  },
};
