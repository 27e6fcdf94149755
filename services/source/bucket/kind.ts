// The kind Bucket, and what is opened for it alone.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Bucket } from '@weir/api';
import { identityOptions } from '@weir/identity';
import type { OpenKind } from '../shared/kind.ts';
import { readContentLimits } from '../shared/limits.ts';
import { ownershipKey, readRemote } from './credentials.ts';
import { createFetcher } from './fetch.ts';
import { reconcile, wantedOf } from './reconcile.ts';
import { words } from './words.ts';

export const openBuckets: OpenKind<Bucket> = async (environment) => {
  const { store, artifactDir, storageDir, pool, tracing, settings, signal } = environment;
  const dir = join(storageDir, 'buckets');
  // A killed process may have left objects there.
  await rm(dir, { recursive: true, force: true });
  const fetcher = createFetcher({
    ...{ artifacts: store, artifactDir, dir, pool, tracing, signal },
    limits: readContentLimits(settings),
    network: {
      allowLocal: settings.boolean('allow-local-addresses', false),
      environment: process.env,
      endpoints: identityOptions(settings).endpoints,
    },
  });
  return {
    kind: Bucket,
    words,
    ownershipKey,
    reconcile: (object, context, informer) =>
      reconcile(object, context, informer, { ...environment, fetcher }),
    async restore(object) {
      const { artifact } = object.status ?? {};
      const wanted = wantedOf(object, await readRemote(environment, object, signal));
      const listing = await fetcher.list(wanted);
      // The former contents of a changed bucket can't be fetched any more: the next run makes another artifact.
      if (listing.revision === artifact?.revision) await fetcher.store(wanted, listing);
    },
  };
};
