import { setTimeout as sleep } from 'node:timers/promises';
import { GitRepository } from '@weir/api';
import { type ArtifactStore, artifactSubject, collectGarbage, purgeArtifact } from '@weir/artifact';
import { type Bus, tokenText } from '@weir/bus';
import type { Informer, Membership } from '@weir/controller';
import type { Logger } from '@weir/telemetry';
import type { RepositoryCache } from './repositories.ts';

export interface GarbageOptions {
  informer: Informer<GitRepository>;
  membership: Membership;
  store: ArtifactStore;
  repositories: RepositoryCache;
  bus: Bus;
  /** How long an artifact that no object names any more can still be had, in ms. */
  retentionMs: number;
  /** Time between two rounds, in ms. */
  everyMs: number;
  log: Logger;
  signal: AbortSignal;
}

/** One replica collects for all: the owner of this key. */
const ownedBy = 'garbage/gitrepository';
const unusedRepositoryMs = 24 * 60 * 60_000;

/**
 * Removes, from time to time, artifacts that nobody names, messages about objects that are gone, and repositories
 * that weren't used. Resolves when `signal` aborts.
 */
export async function collectRegularly(options: GarbageOptions): Promise<void> {
  const { everyMs, log, signal, repositories } = options;
  while (!signal.aborted) {
    await sleep(everyMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    try {
      await repositories.tidy(unusedRepositoryMs);
      await collect(options);
    } catch (error) {
      log.warn({ err: error }, 'garbage was not collected, it will be the next time');
    }
  }
}

async function collect(options: GarbageOptions): Promise<void> {
  const { informer, membership, store, bus, retentionMs, log } = options;
  if (!informer.hasSynced() || !bus.connected() || !membership.owns(ownedBy)) return;
  const referenced = new Set(
    informer.list().flatMap(({ status }) => status?.artifact?.digest ?? []),
  );
  const removed = await collectGarbage(store, { referenced, olderThanMs: retentionMs });
  if (removed > 0) log.info({ removed }, 'removed artifacts that nothing refers to');
  await purgeOrphans(options);
}

/** Purges the artifacts of objects that were deleted while nobody was there to do it. */
async function purgeOrphans({ bus, informer, log }: GarbageOptions): Promise<void> {
  const { group, kind } = GitRepository;
  const one = artifactSubject(bus.cluster, { group, kind, namespace: '', name: '' });
  const all = [...one.split('.').slice(0, -2), '*', '*'].join('.');
  const manager = await (await bus.jetstream()).jetstreamManager(false);
  const { state } = await manager.streams.info('artifacts', { subjects_filter: all });
  for (const subject of Object.keys(state.subjects ?? {})) {
    const [namespace = '', name = ''] = subject.split('.').slice(-2).map(tokenText);
    if (informer.get(`${namespace}/${name}`)) continue;
    purgeArtifact(bus, { group, kind, namespace, name });
    log.info({ namespace, name }, 'purged the artifact of a GitRepository that is gone');
  }
}
