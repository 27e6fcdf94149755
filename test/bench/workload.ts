// What users do and observe, the same for every system.
import { GitRepository, Kustomization } from '@weir/api';
import { gitRepository, isReady, kustomization } from '@weir/kit';
import type { KubeObject } from '@weir/kube';
import type { Environment } from './environment.ts';

/** How many objects are created or changed at the same time. */
const AT_ONCE = 20;
/** Both times are longer than anything that the benchmark waits for. */
const RETRY_INTERVAL = '1m';
const TIMEOUT = '1m';

/** Requests a reconcile of a GitRepository, as `flux reconcile source git` does. */
export async function requestReconcile(
  { client, namespace }: Environment,
  name: string,
): Promise<void> {
  const annotations = { 'reconcile.fluxcd.io/requestedAt': new Date().toISOString() };
  const body = { metadata: { annotations } };
  await client.patch(GitRepository, { namespace, name }, body, { kind: 'merge' });
}

/** Whether the Kustomization of this name is Ready with the commit applied. */
export function isReadyAt(
  objects: ReadonlyMap<string, KubeObject>,
  name: string,
  commit: string,
): boolean {
  const object = objects.get(name);
  return object !== undefined && isReady(commit)(object);
}

/**
 * A check for `Following.when`: all of `names` are Ready with the commit applied. A Kustomization that was found Ready is
 * not checked again, because checking all of them after each change would take longer than what is measured.
 */
export function allReadyAt(names: readonly string[], commit: string) {
  const waited = new Set(names);
  return (objects: ReadonlyMap<string, KubeObject>): boolean => {
    for (const name of waited) {
      if (!isReadyAt(objects, name, commit)) break;
      waited.delete(name);
    }
    return waited.size === 0;
  };
}

/** A Kustomization for the folder of the same name. */
export function appKustomization(
  namespace: string,
  name: string,
  source: string,
  spec: Record<string, unknown> = {},
): KubeObject {
  const path = `./${name}`;
  const common = { path, wait: true, timeout: TIMEOUT, retryInterval: RETRY_INTERVAL };
  return kustomization(namespace, name, source, { ...common, ...spec });
}

/** Creates a GitRepository and then its Kustomizations, AT_ONCE at a time. */
export async function createAll(
  environment: Environment,
  source: { name: string; url: string },
  kustomizations: readonly KubeObject[],
): Promise<void> {
  await environment.apply(gitRepository(environment.namespace, source.name, source.url));
  await inTurns(kustomizations, (object) => environment.apply(object));
}

/** Changes the interval (a Go duration) of a GitRepository and of Kustomizations. */
export async function setIntervals(
  { client, namespace }: Environment,
  source: string,
  names: readonly string[],
  interval: string,
): Promise<void> {
  const how = { kind: 'merge', fieldManager: 'bench' } as const;
  const body = { spec: { interval } };
  await client.patch(GitRepository, { namespace, name: source }, body, how);
  await inTurns(names, (name) => client.patch(Kustomization, { namespace, name }, body, how));
}

/** Runs the work over the items, AT_ONCE at a time. */
export async function inTurns<T>(
  items: readonly T[],
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  for (let first = 0; first < items.length; first += AT_ONCE) {
    await Promise.all(items.slice(first, first + AT_ONCE).map(work));
  }
}
