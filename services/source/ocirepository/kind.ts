// The kind OCIRepository, and what is opened for it alone.
import { OCIRepository } from '@weir/api';
import type { OpenKind } from '../shared/kind.ts';
import { readContentLimits } from '../shared/limits.ts';
import { ownershipKey, readRemote } from './credentials.ts';
import { createFetcher } from './fetch.ts';
import { reconcile, wantedOf } from './reconcile.ts';
import { words } from './words.ts';

/** Pulls that run at a time. Each may take twice `artifact-max-bytes` of disk space. */
const PULLS = 4;
const ASKS = 32;

export const openOCIRepositories: OpenKind<OCIRepository> = async (environment) => {
  const { store, artifactDir, pool, verifiers, tracing, settings, signal } = environment;
  const fetcher = createFetcher({
    ...{ store, pool, verifiers, tracing, signal },
    limits: readContentLimits(settings),
    dir: artifactDir,
    allowLocal: settings.boolean('allow-local-addresses', false),
    environment: process.env,
    asks: ASKS,
    pulls: PULLS,
  });
  return {
    kind: OCIRepository,
    words,
    ownershipKey,
    reconcile: (object, context, informer) =>
      reconcile(object, context, informer, { ...environment, fetcher }),
    async restore(object) {
      const { artifact, observedIgnore, observedLayerSelector } = object.status ?? {};
      const digest = artifact?.revision.split('@').at(-1);
      if (digest === undefined) return;
      const remote = await readRemote(environment, object, signal);
      const selection = { ignore: observedIgnore, layerSelector: observedLayerSelector };
      await fetcher.store(wantedOf(object, remote, selection), { digest });
    },
  };
};
