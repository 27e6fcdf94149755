// Events, alerts and messages of the scenarios about alerts.
import { Alert, Provider } from '@weir/api';
import { type Receiver, startReceiver, until } from '@weir/cluster';
import type { FluxEvent } from '@weir/events';
import { now } from '../measure/clock.ts';
import type { Trial } from '../trial.ts';

const WARM_UP = 200;
const WARM_UP_MS = 60_000;

/** Makes one alert on all Kustomizations of the namespace, to a generic webhook. */
export async function applyAlert(
  { environment }: Trial,
  address: string,
  namespace = environment.namespace,
): Promise<void> {
  const metadata = { name: 'bench', namespace };
  const { apiVersion } = Provider;
  const spec = { type: 'generic', address };
  await environment.apply({ apiVersion, kind: 'Provider', metadata, spec });
  const eventSources = [{ kind: 'Kustomization', name: '*' }];
  const alert = { providerRef: { name: 'bench' }, eventSources };
  await environment.apply({ apiVersion: Alert.apiVersion, kind: 'Alert', metadata, spec: alert });
}

/** Measures with a target that has an alert of its own, once the first messages have arrived there. */
export async function withTarget<T>(
  trial: Trial,
  measure: (target: Receiver) => Promise<T>,
): Promise<T> {
  const target = await startReceiver();
  try {
    await applyAlert(trial, `${target.url}/hook`);
    trial.progress('events to warm up');
    await warmUp(trial, target);
    return await measure(target);
  } finally {
    await target.close();
  }
}

/** From now on every third request, whichever message it has, fails. */
export function refuseAThird(target: Receiver): void {
  let count = 0;
  target.reply(() => ({ status: ++count % 3 === 0 ? 500 : 200 }));
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

/** Without a further message for this long, in ms, those that are missing count as lost. */
export const SILENCE_MS = 70_000;

/** Waits until `wanted` messages have arrived, or no further one has for `ms`. */
export async function silence(target: Receiver, ms: number, wanted: number): Promise<void> {
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
export function arrivals(target: Receiver): Map<string, number> {
  const first = new Map<string, number>();
  for (const { body, at, status } of target.requests()) {
    if (status !== 200) continue;
    const { involvedObject } = JSON.parse(body) as FluxEvent;
    if (!first.has(involvedObject.name)) first.set(involvedObject.name, at);
  }
  return first;
}

export async function publish({ system }: Trial, event: FluxEvent): Promise<void> {
  if (system.publish === undefined) throw new Error('the system was not started for alerts');
  await system.publish(event);
}

export function eventOf(
  { environment }: Trial,
  name: string,
  namespace = environment.namespace,
): FluxEvent {
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
