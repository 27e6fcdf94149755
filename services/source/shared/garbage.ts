// Garbage collection: removes artifacts that no object of any kind names, and announcements of objects that are gone.
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ArtifactStore,
  announcedArtifacts,
  collectGarbage,
  purgeArtifact,
} from '@weir/artifact';
import type { Bus } from '@weir/bus';
import type { Informer, Membership } from '@weir/controller';
import type { ResourceType } from '@weir/kube';
import type { Logger } from '@weir/telemetry';
import type { SourceObject } from './source.ts';

/** A kind with all of its objects, as garbage collection sees it. */
export interface CollectedKind {
  kind: ResourceType;
  informer: Pick<Informer<SourceObject>, 'list' | 'get' | 'hasSynced'>;
  tidy?(): Promise<void>;
}

export interface GarbageOptions {
  /** Every kind whose artifacts are in the store: if one were missing here, its artifacts would be removed. */
  kinds: readonly CollectedKind[];
  membership: Membership;
  store: ArtifactStore;
  bus: Bus;
  /** How long an artifact is kept after no object names it any more, in ms. */
  retentionMs: number;
  /** Time between two rounds, in ms. */
  everyMs: number;
  log: Logger;
  signal: AbortSignal;
}

/** One replica collects for all: the one that owns this key. */
const OWNERSHIP_KEY = 'garbage/artifacts';

/** Collects at intervals. Resolves when `signal` aborts. */
export async function collectRegularly(options: GarbageOptions): Promise<void> {
  const { kinds, everyMs, log, signal } = options;
  while (!signal.aborted) {
    await sleep(everyMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    try {
      for (const { tidy } of kinds) await tidy?.();
      await collect(options);
    } catch (error) {
      log.warn({ err: error }, 'garbage was not collected, it will be the next time');
    }
  }
}

async function collect(options: GarbageOptions): Promise<void> {
  const { kinds, membership, store, bus, retentionMs, log } = options;
  // The objects of a kind that isn't listed yet would look deleted.
  const isKnown = kinds.every(({ informer }) => informer.hasSynced());
  if (!isKnown || !bus.connected() || !membership.owns(OWNERSHIP_KEY)) return;
  const named = kinds.flatMap(({ informer }) =>
    informer.list().flatMap(({ status }) => status?.artifact?.digest ?? []),
  );
  const removed = await collectGarbage(store, {
    referenced: new Set(named),
    olderThanMs: retentionMs,
  });
  if (removed > 0) log.info({ removed }, 'removed artifacts that nothing refers to');
  for (const kind of kinds) await purgeOrphans(kind, options);
}

/** Purges the announcements of objects that were deleted while no service ran. */
async function purgeOrphans(
  { kind, informer }: CollectedKind,
  { bus, log }: GarbageOptions,
): Promise<void> {
  for (const { namespace, name } of await announcedArtifacts(bus, kind)) {
    if (informer.get(`${namespace}/${name}`)) continue;
    purgeArtifact(bus, { group: kind.group, kind: kind.kind, namespace, name });
    log.info({ kind: kind.kind, namespace, name }, 'purged the artifact of a source that is gone');
  }
}
