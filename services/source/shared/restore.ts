// Answers the artifact server: which artifact an object has now, and how one is made again that the store has lost
// (artifacts are derived data).
import { isRequested, RECONCILE_REQUEST } from '@weir/api';
import { type ArtifactStore, latestPath } from '@weir/artifact';
import type { Controller, Informer, Membership } from '@weir/controller';
import { type KubeClient, objectKey } from '@weir/kube';
import { isArtifactLost } from './artifacts.ts';
import type { SourceKind } from './kind.ts';
import type { SourceObject } from './source.ts';

/** A kind with its objects and its controller. */
export interface RestorableKind {
  source: Pick<SourceKind<SourceObject>, 'kind' | 'latestFile' | 'ownershipKey' | 'restore'>;
  informer: Pick<Informer<SourceObject>, 'get' | 'list'>;
  controller: Pick<Controller, 'enqueue'>;
}

export interface RestoreOptions {
  store: ArtifactStore;
  client: KubeClient;
  membership: Pick<Membership, 'owns'>;
}

/**
 * Makes the artifact at a path of the artifact server again; nothing happens when no object names that path. When the
 * remote no longer has the revision, the object runs at once, so that it gets the present artifact.
 */
export async function restoreArtifact(
  path: string,
  kinds: readonly RestorableKind[],
  options: RestoreOptions,
): Promise<void> {
  for (const kind of kinds) {
    const object = kind.informer.list().find(({ status }) => status?.artifact?.path === path);
    if (object === undefined) continue;
    await kind.source.restore(object);
    const isLost = await isArtifactLost(options.store, object.status?.artifact);
    if (isLost) await runNow(object, kind, options);
    return;
  }
}

/** Starts a run of an object. If another replica owns it, that replica is asked with the annotation that users set. */
async function runNow(
  object: SourceObject,
  { source, controller }: RestorableKind,
  { client, membership }: RestoreOptions,
): Promise<void> {
  if (membership.owns(source.ownershipKey(object))) {
    controller.enqueue(objectKey(object), { cause: 'artifact lost' });
    return;
  }
  if (object.spec.suspend || isRequested(object, object.status?.lastHandledReconcileAt)) return;
  const { namespace, name, uid } = object.metadata;
  const annotations = { [RECONCILE_REQUEST]: new Date().toISOString() };
  const ref = { ...(namespace === undefined ? {} : { namespace }), name };
  await client.patch(source.kind, ref, { metadata: { uid, annotations } }, { kind: 'merge' });
}

/** The path of the artifact that an object has now, by its path for the newest one; undefined if there is none. */
export function latestArtifact(path: string, kinds: readonly RestorableKind[]): string | undefined {
  const [, namespace = '', name = ''] = path.split('/');
  const found = kinds.find(
    ({ source: { kind, latestFile } }) =>
      latestPath(kind.kind, namespace, name, latestFile) === path,
  );
  return found?.informer.get(`${namespace}/${name}`)?.status?.artifact?.path;
}
