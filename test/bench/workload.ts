// What users do, and look at, whatever the system is.
import { GitRepository } from '@weir/api';
import { isReady } from '@weir/harness';
import type { KubeObject } from '@weir/kube';
import type { Ground } from './ground.ts';

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
