// Reconciles one Bucket, from top to bottom: lists what it has now, fetches and stores it if it is new, and announces
// the artifact.
import { Bucket } from '@weir/api';
import { orAborted } from '@weir/async';
import type { Informer, Outcome, ReconcileContext } from '@weir/controller';
import { describeArtifact, latestUrl } from '../shared/artifacts.ts';
import type { SourceEnvironment } from '../shared/kind.ts';
import { beginRun, currentArtifact, fail, succeed } from '../shared/run.ts';
import { timeoutOf } from '../shared/timeouts.ts';
import { readRemote } from './credentials.ts';
import type { Fetcher, Wanted } from './fetch.ts';
import type { Remote } from './remote.ts';
import { storedEvent, words } from './words.ts';

export interface BucketEnvironment extends SourceEnvironment {
  fetcher: Fetcher;
}

/** Reconciles one Bucket once. Steps that are done already are only checked. */
export async function reconcile(
  found: Bucket,
  context: ReconcileContext,
  informer: Informer<Bucket>,
  environment: BucketEnvironment,
): Promise<Outcome> {
  const { fetcher, address } = environment;
  const run = await beginRun(found, context, informer, { kind: Bucket, words }, environment);
  if (run === undefined) return {};
  const { object, signal } = run;
  const fields = { url: latestUrl(object, address) };
  try {
    const wanted = wantedOf(object, await readRemote(environment, object, signal));
    const listing = await context.waiting(() => orAborted(fetcher.list(wanted), signal));
    // As in Flux the revision alone decides: a change of the rules that keeps the same objects makes no new artifact.
    const current = await currentArtifact(run, listing.revision, true);
    if (current !== undefined) {
      fetcher.remember(wanted, listing, current.digest);
      const event = storedEvent(listing.objects.length, object);
      return await succeed(run, { artifact: current, event, fields });
    }

    const snapshot = await context.waiting(() => orAborted(fetcher.store(wanted, listing), signal));
    const artifact = describeArtifact(object, snapshot.revision, snapshot, address);
    return await succeed(run, {
      artifact,
      event: storedEvent(snapshot.objects, object),
      fields: { ...fields, observedIgnore: object.spec.ignore },
    });
  } catch (error) {
    return await fail(run, error);
  }
}

/** What an object wants from its bucket; listing and fetching may take `spec.timeout` each. */
export function wantedOf({ metadata, spec }: Bucket, remote: Remote): Wanted {
  return {
    tenant: metadata.namespace ?? '',
    remote,
    prefix: spec.prefix ?? '',
    ignore: spec.ignore,
    timeoutMs: timeoutOf(spec),
  };
}
