// What tests read: the events and the objects of a Kustomization.
import { type Kustomization, Kustomization as KustomizationKind } from '@weir/api';
import { type Harness, until } from './harness.ts';

/** How long a test waits for anything. Milliseconds. */
export const timeoutMs = 20_000;

export function inventoryIds({ status }: Kustomization): string[] | undefined {
  return status?.inventory?.entries.map(({ id }) => id);
}

/** The events of a Kustomization that have arrived over NATS so far. */
export function eventsOf({ events }: Pick<Harness, 'events'>, namespace: string, name = 'app') {
  return events.filter(
    ({ event }) =>
      event.involvedObject.namespace === namespace && event.involvedObject.name === name,
  );
}

/** The first event of the Kustomization `app` whose message matches. */
export function eventLike(h: Pick<Harness, 'events'>, namespace: string, message: RegExp) {
  return until(() => eventsOf(h, namespace).find(({ event }) => message.test(event.message)), {
    timeoutMs,
    message: `an event like ${message}`,
  });
}

/** Deletes a Kustomization and waits until it is gone. */
export async function deleteKustomization(
  h: Pick<Harness, 'client' | 'find'>,
  namespace: string,
  { name = 'app', limitMs = timeoutMs } = {},
): Promise<void> {
  await h.client.delete(KustomizationKind, { namespace, name });
  await kustomizationGone(h, namespace, { name, limitMs });
}

export async function kustomizationGone(
  h: Pick<Harness, 'find'>,
  namespace: string,
  { name = 'app', limitMs = timeoutMs } = {},
): Promise<void> {
  const { apiVersion, kind } = KustomizationKind;
  await until(async () => (await h.find(apiVersion, kind, { namespace, name })) === undefined, {
    timeoutMs: limitMs,
    message: `Kustomization ${namespace}/${name} to be gone`,
  });
}

export function configMapGone(h: Pick<Harness, 'configMap'>, namespace: string, name: string) {
  return until(async () => (await h.configMap(namespace, name)) === undefined, {
    timeoutMs,
    message: `ConfigMap ${namespace}/${name} to be gone`,
  });
}
