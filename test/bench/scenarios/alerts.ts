// Many events at once to one target: how soon each becomes a message, and whether every one does.
import { Alert, Provider } from '@weir/api';
import { type Receiver, startReceiver, until } from '@weir/cluster';
import type { FluxEvent } from '@weir/events';
import { now } from '../measure/clock.ts';
import { spentOn } from '../measure/window.ts';
import type { Measurement } from '../measurement.ts';
import type { OwnScenario } from '../scenario.ts';
import type { Trial } from '../trial.ts';

const EVENTS = 2_000;
/** How many senders there are, each of which waits until its event is accepted before it sends the next one. */
const SENDERS = 8;
const WARM_UP = 200;
const WARM_UP_MS = 60_000;
/** After this time without a further message, those that are missing count as lost. */
const SILENCE_MS = 70_000;

export const alerts: OwnScenario = {
  kind: 'own',
  name: 'alerts',
  about: `${EVENTS} events at once to one target, which answers, or refuses a third of the messages`,
  runs: 'alerts',
  sizes: () => [1],
  async run(trial) {
    const target = await startReceiver();
    try {
      await applyAlert(trial, target);
      trial.progress('events to warm up');
      await warmUp(trial, target);
      const answering = await measure(trial, target, 'alerts', 'a target that answers');
      // Every third request of a message, whichever message it is, fails.
      let count = 0;
      target.reply(() => ({ status: ++count % 3 === 0 ? 500 : 200 }));
      const refusing = await measure(trial, target, 'refused', 'a third of the answers 500');
      return [answering, refusing];
    } finally {
      await target.close();
    }
  },
};

async function applyAlert({ environment }: Trial, target: Receiver): Promise<void> {
  const { namespace } = environment;
  const metadata = { name: 'bench', namespace };
  const { apiVersion } = Provider;
  const spec = { type: 'generic', address: `${target.url}/hook` };
  await environment.apply({ apiVersion, kind: 'Provider', metadata, spec });
  const eventSources = [{ kind: 'Kustomization', name: '*' }];
  const alert = { providerRef: { name: 'bench' }, eventSources };
  await environment.apply({ apiVersion: Alert.apiVersion, kind: 'Alert', metadata, spec: alert });
}

/** Sends events until the system knows the alert and has sent a few messages. */
async function warmUp(trial: Trial, target: Receiver): Promise<void> {
  let sent = 0;
  const some = async () => {
    for (let index = 0; index < 10; index++) await publish(trial, eventOf(trial, `warm-${++sent}`));
    return target.requests().length >= WARM_UP;
  };
  await until(some, { timeoutMs: WARM_UP_MS, message: 'messages of the warm-up' });
  await silence(target, 1_000, Number.POSITIVE_INFINITY);
}

async function measure(
  trial: Trial,
  target: Receiver,
  id: string,
  what: string,
): Promise<Measurement> {
  trial.progress(`${EVENTS} events, ${what}`);
  target.clear();
  const sentAt = new Map<string, number>();
  const names = Array.from({ length: EVENTS }, (_, index) => `${id}-${index}`);
  const { result, spent } = await spentOn(
    trial,
    async () => {
      const startedAt = now();
      const waiting = names.values();
      const sender = async () => {
        for (const name of waiting) {
          sentAt.set(name, now());
          await publish(trial, eventOf(trial, name));
        }
      };
      await Promise.all(Array.from({ length: SENDERS }, sender));
      await silence(target, SILENCE_MS, EVENTS);
      return startedAt;
    },
    { quietMs: 0 },
  );
  const arrivedAt = arrivals(target);
  const times = [...arrivedAt].map(([name, at]) => at - (sentAt.get(name) ?? at));
  return {
    id,
    name: `${EVENTS} events, ${what}: ${arrivedAt.size} arrived`,
    apps: 1,
    count: EVENTS,
    unit: 'event',
    times: { 'the last message': [Math.max(...arrivedAt.values()) - result], 'a message': times },
    spent,
  };
}

/** Waits until `wanted` messages have arrived, or no further one has for `ms`. */
async function silence(target: Receiver, ms: number, wanted: number): Promise<void> {
  let arrived = -1;
  let since = now();
  await until(
    () => {
      const { size } = arrivals(target);
      if (size !== arrived) since = now();
      arrived = size;
      return size >= wanted || now() - since > ms;
    },
    { timeoutMs: 10 * 60_000, intervalMs: 250, message: 'the last message' },
  );
}

/** When the first accepted message about each object arrived. */
function arrivals(target: Receiver): Map<string, number> {
  const first = new Map<string, number>();
  for (const { body, at, status } of target.requests()) {
    if (status !== 200) continue;
    const { involvedObject } = JSON.parse(body) as FluxEvent;
    if (!first.has(involvedObject.name)) first.set(involvedObject.name, at);
  }
  return first;
}

async function publish({ system }: Trial, event: FluxEvent): Promise<void> {
  if (system.publish === undefined) throw new Error('the system was not started for alerts');
  await system.publish(event);
}

function eventOf({ environment }: Trial, name: string): FluxEvent {
  const { namespace } = environment;
  return {
    involvedObject: {
      apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
      kind: 'Kustomization',
      namespace,
      name,
      uid: `uid-of-${name}`,
    },
    severity: 'info',
    timestamp: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
    message: `Deployment/${namespace}/${name} configured\nService/${namespace}/${name} configured`,
    reason: 'ReconciliationSucceeded',
    metadata: { 'kustomize.toolkit.fluxcd.io/revision': `main@sha1:${'c0ffee'.repeat(6)}` },
    reportingController: 'kustomize-controller',
    reportingInstance: 'bench',
  };
}
