// What users do, and look at, whatever the system is.
import { GitRepository, Kustomization } from '@weir/api';
import { gitRepository, isReady, kustomization } from '@weir/kit';
import type { KubeObject } from '@weir/kube';
import type { Ground } from './ground.ts';

/** Objects that whoever installs apps creates, or changes, at the same time. */
const AT_ONCE = 20;
/** What the benchmark waits for comes before both. */
const RETRY_INTERVAL = '1m';
const TIMEOUT = '1m';

/** Asks for a reconcile of a GitRepository, as `flux reconcile source git` does. */
export async function requestReconcile({ client, namespace }: Ground, name: string): Promise<void> {
  const annotations = { 'reconcile.fluxcd.io/requestedAt': new Date().toISOString() };
  const body = { metadata: { annotations } };
  await client.patch(GitRepository, { namespace, name }, body, { kind: 'merge' });
}

/** Whether a Kustomization is Ready with the commit applied. */
export function isReadyAt(
  objects: ReadonlyMap<string, KubeObject>,
  name: string,
  commit: string,
): boolean {
  const object = objects.get(name);
  return object !== undefined && isReady(commit)(object);
}

/**
 * A check for `Following.when`: all of `names` are Ready with the commit applied. Each Kustomization is looked
 * at until it is, and then no more: a look at all of them after each of their changes would take longer than
 * what is measured.
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

/** A Kustomization of the folder that has its name. */
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

/** Creates a GitRepository, and then its Kustomizations, some at a time. */
export async function createAll(
  ground: Ground,
  source: { name: string; url: string },
  kustomizations: readonly KubeObject[],
): Promise<void> {
  await ground.apply(gitRepository(ground.namespace, source.name, source.url));
  await inTurns(kustomizations, (object) => ground.apply(object));
}

/** Changes the interval of a GitRepository and of Kustomizations, a Go duration. */
export async function setIntervals(
  { client, namespace }: Ground,
  source: string,
  names: readonly string[],
  interval: string,
): Promise<void> {
  const how = { kind: 'merge', fieldManager: 'bench' } as const;
  const body = { spec: { interval } };
  await client.patch(GitRepository, { namespace, name: source }, body, how);
  await inTurns(names, (name) => client.patch(Kustomization, { namespace, name }, body, how));
}

/** Some at a time, as a person's client would. */
async function inTurns<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  for (let first = 0; first < items.length; first += AT_ONCE) {
    await Promise.all(items.slice(first, first + AT_ONCE).map(work));
  }
}
