// Deletes objects that are no longer in the inventory, if they still belong to the owner.
import { setTimeout as sleep } from 'node:timers/promises';
import { mapBounded } from '@weir/async';
import {
  type DiscoveredResource,
  isConflict,
  isNoMatch,
  isNotFound,
  type KubeClient,
  type KubeObject,
} from '@weir/kube';
import type { Action, ChangeSet } from './changes.ts';
import type { TargetCluster } from './cluster.ts';
import { messageOf } from './errors.ts';
import { isOwnedBy, type Owner } from './labels.ts';
import { isMarked, type ObjectTarget, subjectOf } from './objects.ts';
import { leftAlone } from './plan.ts';
import { compareIds, intoStages, intoWaves } from './stages.ts';

export interface PruneOptions {
  owner: Owner;
  /** UIDs of objects that were just applied. They stay, under whatever id an inventory lists them. */
  keep?: ReadonlySet<string>;
  /** Requests under way at once; 16 when not given. */
  concurrency?: number;
  /** Called before each delete; throws to stop it. */
  guard?(): void;
  signal: AbortSignal;
}

export interface Pruned {
  /** In the order of deletion: `deleted`, `skipped` (not ours, or marked to stay) or `unknown` (failed). */
  changes: ChangeSet;
  /** What could not be deleted and has to stay in the inventory. */
  left: ObjectTarget[];
  /** All failures in one text, in Flux's words. */
  error?: string;
}

const DEFAULT_CONCURRENCY = 16;
const CONFLICT_ATTEMPTS = 5;
const GONE_POLL_MS = 500;

/**
 * Deletes objects in the reverse order of an apply, with their UID and resourceVersion as preconditions.
 * An object that is gone, or whose kind is, counts as deleted. Never throws for a refused delete.
 */
export async function pruneObjects(
  { client }: Pick<TargetCluster, 'client'>,
  targets: readonly ObjectTarget[],
  options: PruneOptions,
): Promise<Pruned> {
  const changes: ChangeSet = [];
  const left: ObjectTarget[] = [];
  const errors: string[] = [];
  for (const wave of inReverse(targets)) {
    const outcomes = await mapBounded(wave, options.concurrency ?? DEFAULT_CONCURRENCY, (target) =>
      pruneOne(client, target, options),
    );
    for (const [index, outcome] of outcomes.entries()) {
      const target = wave[index];
      if (target === undefined) continue;
      const { version, ...id } = target;
      changes.push({ id, version, action: outcome.action });
      if (outcome.error === undefined) continue;
      left.push(target);
      errors.push(`${subjectOf(target)} ${outcome.error};`);
    }
  }
  const error = errors.length === 0 ? {} : { error: `delete failed, errors: ${errors.join('')}` };
  return { changes, left, ...error };
}

/** Groups to delete one after the other: the last stage and wave first, definitions at the end. */
function inReverse(targets: readonly ObjectTarget[]): ObjectTarget[][] {
  const byId = new Map(targets.map((target) => [asObject(target), target]));
  return intoStages([...byId.keys()])
    .flatMap(({ objects }) => intoWaves(objects, ({ kind }) => kind))
    .reverse()
    .map((wave) =>
      wave
        .flatMap((object) => byId.get(object) ?? [])
        .sort(compareIds)
        .reverse(),
    );
}

function asObject({ group, version, kind, namespace, name }: ObjectTarget): KubeObject {
  const apiVersion = group === '' ? version : `${group}/${version}`;
  return { apiVersion, kind, metadata: { name, namespace } };
}

interface Outcome {
  action: Action;
  error?: string;
}

async function pruneOne(
  client: KubeClient,
  target: ObjectTarget,
  options: PruneOptions,
): Promise<Outcome> {
  const { signal } = options;
  let doing = 'query failed';
  try {
    const type = await typeOf(client, target);
    for (let attempt = 1; ; attempt++) {
      doing = 'query failed';
      const object = await client.get(type, placeOf(type, target), { metadataOnly: true, signal });
      if (mustStay(object, options)) return { action: 'skipped' };
      doing = 'delete failed';
      try {
        await deleteExactly(client, type, object, options);
        return { action: 'deleted' };
      } catch (error) {
        // Somebody changed the object after it was read, so it is read again to see whether it is still ours.
        if (!isConflict(error) || attempt === CONFLICT_ATTEMPTS) throw error;
      }
    }
  } catch (error) {
    signal.throwIfAborted();
    if (isNotFound(error) || isNoMatch(error)) return { action: 'deleted' };
    return { action: 'unknown', error: `${doing}: ${messageOf(error)}` };
  }
}

/** The kind in the version of the inventory, or in a version that is served now. */
async function typeOf(client: KubeClient, target: ObjectTarget): Promise<DiscoveredResource> {
  try {
    return await client.discovery.resourceFor(target);
  } catch (error) {
    if (!isNoMatch(error)) throw error;
    const { group, kind } = target;
    return client.discovery.resourceFor({ group, kind });
  }
}

function placeOf(type: DiscoveredResource, { namespace, name }: ObjectTarget) {
  return type.namespaced ? { namespace, name } : { name };
}

function mustStay(object: KubeObject, { owner, keep }: PruneOptions): boolean {
  const { uid } = object.metadata;
  if (uid !== undefined && keep?.has(uid)) return true;
  const markers = { ...leftAlone(owner), [`${owner.group}/prune`]: 'disabled' };
  return !isOwnedBy(object, owner) || isMarked(object, markers);
}

async function deleteExactly(
  client: KubeClient,
  type: DiscoveredResource,
  { metadata }: KubeObject,
  { guard, signal }: PruneOptions,
): Promise<void> {
  const { uid, resourceVersion } = metadata;
  guard?.();
  await client.delete(type, metadata, {
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    propagationPolicy: 'Background',
    signal,
  });
}

/** Waits until deleted objects are gone for good; returns those that are still there when the time is over. */
export async function waitUntilGone(
  { client }: Pick<TargetCluster, 'client'>,
  targets: readonly ObjectTarget[],
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
): Promise<ObjectTarget[]> {
  const deadline = performance.now() + timeoutMs;
  let left = [...targets];
  for (;;) {
    const there = await mapBounded(left, DEFAULT_CONCURRENCY, (target) =>
      exists(client, target, signal),
    );
    left = left.filter((_, index) => there[index]);
    if (left.length === 0 || performance.now() > deadline) return left;
    await sleep(GONE_POLL_MS, undefined, { signal });
  }
}

async function exists(
  client: KubeClient,
  target: ObjectTarget,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const type = await typeOf(client, target);
    await client.get(type, placeOf(type, target), { metadataOnly: true, signal });
    return true;
  } catch (error) {
    if (isNotFound(error) || isNoMatch(error)) return false;
    throw error;
  }
}
