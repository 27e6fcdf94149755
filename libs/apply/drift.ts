// Noticing when something that we applied is changed or deleted by somebody else: one metadata-only
// watch a kind, over the objects of all owners.
import { AsyncLocalStorage } from 'node:async_hooks';
import type { KubeClient, KubeObject, ResourceType } from '@weir/kube';
import type { ManagerRule } from './fieldmanagers.ts';
import { fingerprint, foreignManagers } from './fingerprint.ts';
import { inventoryId } from './inventory.ts';
import { type Owner, ownerKeyOf } from './labels.ts';
import { isMarked, type ObjectId, type ObjectTarget, subjectOf, targetOf } from './objects.ts';
import { leftAlone } from './plan.ts';

/** An object in the state in which it has to stay. */
export interface Tracked {
  type: ResourceType;
  /** As the API server answered when it was last applied or compared. */
  object: KubeObject;
  /** Its disappearance is in order (a Job with a TTL). */
  mayVanish?: boolean;
}

export interface Drift {
  /** `<namespace>/<name>` of the owner. */
  owner: string;
  id: ObjectId;
  /** `gone` is also what a lost owner label looks like. */
  what: 'changed' | 'gone';
  /** Managers that must not be there, when it is that. */
  managers: string[];
  /** The metadata as it is now, or was at the end. */
  object: KubeObject;
}

export interface DriftWatchOptions {
  /** Whose objects: the prefix of the owner labels and the field manager. */
  owner: Pick<Owner, 'group' | 'fieldManager'>;
  rules: readonly ManagerRule[];
  onDrift(drift: Drift): void;
  /** News about watches: a kind that may not be watched, a connection lost. */
  onError(type: ResourceType, error: Error): void;
}

export interface DriftWatch {
  /**
   * Says that the owner is about to write: what happens to its objects is kept until `track`, and
   * then compared with what the writes left behind.
   */
  hold(owner: string): void;
  /** Replaces what is watched for the owner, and ends its hold. */
  track(owner: string, objects: readonly Tracked[]): void;
  /** Ends a hold with nothing new to compare with. */
  release(owner: string): void;
  /** Forgets the owner. */
  untrack(owner: string): void;
  /** Whether anything is tracked for the owner. */
  tracks(owner: string): boolean;
  /** Who has anything tracked. */
  owners(): string[];
  /** How much is watched, for metrics. */
  size(): { objects: number; kinds: number };
  close(): Promise<void>;
}

interface Expected {
  owner: string;
  fingerprint: string;
  uid: string | undefined;
  /** Events up to this version are part of what is expected. */
  resourceVersion: bigint;
  mayVanish: boolean;
}

interface KindWatch {
  stop: AbortController;
  ended: Promise<void>;
  objects: number;
}

interface Happening {
  id: ObjectId;
  object: KubeObject;
  gone: boolean;
}

/** Starts with nothing to watch; watches open and close with what is tracked. */
export function createDriftWatch(client: KubeClient, options: DriftWatchOptions): DriftWatch {
  const { owner: identity, rules, onDrift } = options;
  const expected = new Map<string, Expected>();
  const owned = new Map<string, Map<string, ResourceType>>();
  const held = new Map<string, Map<string, Happening>>();
  const watches = new Map<string, KindWatch>();
  // A watch outlives the run that needs it first, and must not stay in its trace.
  const outside = AsyncLocalStorage.snapshot();

  function judge(happening: Happening): void {
    const key = inventoryId(happening.id);
    const { object, gone } = happening;
    const state = expected.get(key);
    // What is new to us is kept too: its owner may be about to track it.
    const hold = held.get(state?.owner ?? ownerKeyOf(object, identity.group) ?? '');
    if (hold !== undefined) {
      hold.set(key, happening);
      return;
    }
    if (state === undefined) return;
    if (gone ? !isLoss(object, state) : !isChange(object, state)) return;
    if (isMarked(object, leftAlone(identity))) return;
    const managers = foreignManagers(object, rules);
    const what = gone ? 'gone' : 'changed';
    onDrift({ owner: state.owner, id: happening.id, what, managers, object });
  }
  function isChange(object: KubeObject, state: Expected): boolean {
    return versionOf(object) > state.resourceVersion && print(object) !== state.fingerprint;
  }
  function print(object: KubeObject): string {
    return fingerprint(object, identity, rules);
  }

  function open(type: ResourceType): KindWatch {
    const stop = new AbortController();
    const seen = (object: KubeObject, gone: boolean) =>
      judge({ id: idIn(type, object), object, gone });
    const onError = (error: Error) => options.onError(type, error);
    const selector = `${identity.group}/name`;
    const ended = follow(client, type, selector, seen, onError, stop.signal);
    return { stop, ended, objects: 0 };
  }
  function retain(type: ResourceType): void {
    const watch = watches.get(kindKey(type)) ?? outside(open, type);
    watch.objects++;
    watches.set(kindKey(type), watch);
  }
  function drop(type: ResourceType): void {
    const watch = watches.get(kindKey(type));
    if (watch === undefined || --watch.objects > 0) return;
    watches.delete(kindKey(type));
    watch.stop.abort();
  }

  function replace(owner: string, objects: readonly Tracked[]): void {
    const before = owned.get(owner) ?? new Map<string, ResourceType>();
    const now = new Map(
      objects.map((tracked) => [inventoryId(idIn(tracked.type, tracked.object)), tracked]),
    );
    for (const [key, { type, object, mayVanish = false }] of now) {
      retain(type);
      const resourceVersion = versionOf(object);
      const { uid } = object.metadata;
      expected.set(key, { owner, fingerprint: print(object), uid, resourceVersion, mayVanish });
    }
    for (const [key, type] of before) {
      if (!now.has(key) && expected.get(key)?.owner === owner) expected.delete(key);
      drop(type);
    }
    if (now.size === 0) owned.delete(owner);
    else owned.set(owner, new Map([...now].map(([key, { type }]) => [key, type])));
  }
  function release(owner: string): void {
    const happenings = held.get(owner);
    held.delete(owner);
    for (const happening of happenings?.values() ?? []) judge(happening);
  }

  return {
    hold: (owner) => held.set(owner, held.get(owner) ?? new Map()),
    track(owner, objects) {
      replace(owner, objects);
      release(owner);
    },
    release,
    untrack(owner) {
      held.delete(owner);
      replace(owner, []);
    },
    tracks: (owner) => owned.has(owner),
    owners: () => [...owned.keys()],
    size: () => ({ objects: expected.size, kinds: watches.size }),
    async close() {
      const all = [...watches.values()];
      watches.clear();
      for (const { stop } of all) stop.abort();
      await Promise.all(all.map(({ ended }) => ended));
    },
  };
}

/** A deletion found by comparing lists shows an old version: the UID tells whether it is the object meant. */
function isLoss({ metadata }: KubeObject, { uid, mayVanish }: Expected): boolean {
  return metadata.uid === uid && !mayVanish;
}

async function follow(
  client: KubeClient,
  type: ResourceType,
  labelSelector: string,
  seen: (object: KubeObject, gone: boolean) => void,
  onError: (error: Error) => void,
  signal: AbortSignal,
): Promise<void> {
  try {
    const events = client.listWatch(type, { labelSelector, metadataOnly: true, signal });
    for await (const event of events) {
      if (event.type === 'error') onError(event.error);
      else if (event.type !== 'synced') seen(event.object, event.type === 'deleted');
    }
  } catch (error) {
    if (!signal.aborted) onError(error instanceof Error ? error : new Error(String(error)));
  }
}

/** `Deployment/apps/web changed by kubectl-edit` */
export function formatDrift({ id, what, managers }: Drift): string {
  const by = managers.length === 0 ? '' : ` by ${managers.join(', ')}`;
  return `${subjectOf(id)} ${what}${by}`;
}

function kindKey({ group, kind }: ResourceType): string {
  return `${group}/${kind}`;
}

/** Group and kind are the type's: a watch that asks for metadata need not repeat them. */
function idIn({ group, kind }: ResourceType, object: KubeObject): ObjectId {
  const { namespace, name }: ObjectTarget = targetOf(object);
  return { group, kind, namespace, name };
}

function versionOf(object: KubeObject): bigint {
  return BigInt(object.metadata.resourceVersion ?? 0);
}
