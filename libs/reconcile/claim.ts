import { FINALIZER } from '@weir/api';
import {
  addFinalizer,
  type FinalizerOptions,
  type Informer,
  type ReconcileContext,
} from '@weir/controller';
import type { KubeClient, KubeObject, ResourceType } from '@weir/kube';
import { newestOf } from './newest.ts';

/** The object to work on at the start of a run: it has the finalizer, or it is being deleted. */
export type Claim<T> = { object: T; deleting: boolean };

export interface ClaimOptions<T extends KubeObject> {
  client: KubeClient;
  kind: ResourceType;
  informer: Informer<T>;
  fieldManager: string;
}

/**
 * Returns the object in its newest state, with the finalizer. Undefined when it is gone already. Rejects with NotOwner
 * when another replica may own it.
 */
export async function claimObject<T extends KubeObject>(
  found: T,
  ctx: Pick<ReconcileContext, 'causes' | 'guard'>,
  { client, kind, informer, fieldManager }: ClaimOptions<T>,
): Promise<Claim<T> | undefined> {
  const newest = await newestOf(found, ctx, { client, kind, informer });
  if (newest === undefined) return undefined;
  if (newest.metadata.deletionTimestamp !== undefined) return { object: newest, deleting: true };
  const writing: FinalizerOptions<T> = { fieldManager, informer, guard: ctx.guard };
  const object = await addFinalizer(client, kind, newest, FINALIZER, writing);
  return { object, deleting: false };
}
