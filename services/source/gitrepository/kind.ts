// What the service needs to know of GitRepositories, and what they alone need.
import { join } from 'node:path';
import { GitRepository, parseRevision } from '@weir/api';
import { defaultTreeLimits } from '@weir/git';
import type { OpenKind } from '../shared/kind.ts';
import { ownershipKey, readRemote } from './credentials.ts';
import { createFetcher } from './fetch.ts';
import { reconcile, timeoutMs } from './reconcile.ts';
import { createRepositoryCache } from './repositories.ts';

const UNUSED_REPOSITORY_MS = 24 * 60 * 60_000;

export const openGitRepositories: OpenKind<GitRepository> = async (environment) => {
  const { client, store, pool, tracing, settings, storageDir, concurrency, log, signal } =
    environment;
  const repositories = await createRepositoryCache(join(storageDir, 'git'), { log, signal });
  const fetcher = createFetcher({
    repositories,
    artifacts: store,
    pool,
    limits: {
      maxFiles: settings.number('artifact-max-files', defaultTreeLimits.maxFiles, { min: 1 }),
      maxBytes: settings.number('artifact-max-bytes', defaultTreeLimits.maxBytes, { min: 1 }),
    },
    perHost: concurrency,
    tracing,
    signal,
  });
  return {
    kind: GitRepository,
    ownershipKey,
    reconcile: (object, context, informer) =>
      reconcile(object, context, informer, { ...environment, fetcher }),
    async restore(object) {
      const { artifact, observedIgnore } = object.status ?? {};
      const revision = artifact?.revision ?? '';
      const commit = parseRevision(revision)?.hash;
      if (commit === undefined) return;
      const remote = await readRemote(client, object, signal);
      const wanted = {
        remote,
        ref: object.spec.ref,
        timeoutMs: timeoutMs(object),
        tenant: object.metadata.namespace ?? '',
      };
      await fetcher.store(wanted, { commit, revision }, observedIgnore);
    },
    tidy: () => repositories.tidy(UNUSED_REPOSITORY_MS),
  };
};
