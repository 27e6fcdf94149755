// The kind GitRepository, and what is opened for it alone.
import { join } from 'node:path';
import { GitRepository, parseRevision } from '@weir/api';
import { createGitSlots, createRepositoryCache, readGitLimits } from '@weir/git';
import { createAppTokens, ownershipKey, readRemote } from '@weir/sources/git';
import type { OpenKind } from '../shared/kind.ts';
import { readContentLimits } from '../shared/limits.ts';
import { observedContents } from './contents.ts';
import { createFetcher } from './fetch.ts';
import { includedBy } from './includes.ts';
import { reconcile, wantedOf, words } from './reconcile.ts';

const UNUSED_REPOSITORY_MS = 24 * 60 * 60_000;
const GIB = 1024 ** 3;

export const openGitRepositories: OpenKind<GitRepository> = async (environment) => {
  const {
    client,
    identities,
    store,
    artifactDir,
    pool,
    tracing,
    settings,
    storageDir,
    log,
    signal,
  } = environment;
  const limits = readContentLimits(settings);
  const gitLimits = readGitLimits(settings);
  const slots = createGitSlots(settings.number('git-concurrent', 16, { min: 2 }));
  const repositories = await createRepositoryCache(join(storageDir, 'git'), {
    maxBytes: settings.number('git-cache-bytes', 2 * GIB, { min: 0 }),
    limits: gitLimits,
    slot: (work) => slots.transfer({ namespace: '', host: '' }, work),
    log,
    signal,
  });
  const network = { allowLocal: settings.boolean('allow-local-addresses', false) };
  const tokens = createAppTokens({ slots, network, signal });
  const fetcher = createFetcher({
    repositories,
    artifacts: store,
    pool,
    limits,
    slots,
    gitLimits,
    network,
    artifactDir,
    maxPackedBytes: limits.maxPackedBytes,
    tracing,
    signal,
  });
  return {
    kind: GitRepository,
    words,
    ownershipKey,
    reconcile: (object, context, informer) =>
      reconcile(object, context, informer, { ...environment, fetcher, tokens }),
    async restore(object) {
      const { status = {} } = object;
      const revision = status.artifact?.revision ?? '';
      const commit = parseRevision(revision)?.hash;
      if (commit === undefined) return;
      const remote = await readRemote(client, object, { tokens, identities, signal });
      const wanted = wantedOf(object, remote);
      await fetcher.store(wanted, { commit, revision }, observedContents(status));
    },
    sourcesOf: includedBy,
    tidy: () => repositories.tidy(UNUSED_REPOSITORY_MS),
  };
};
