// Reconciles one OCIRepository, from top to bottom: asks the registry for its revision, pulls and stores it if it is
// new, and announces the artifact.
import { isDeepStrictEqual } from 'node:util';
import { OCIRepository, parseDuration } from '@weir/api';
import { orAborted } from '@weir/async';
import type { Informer, Outcome, ReconcileContext } from '@weir/controller';
import { acceptableAgeMs } from '@weir/reconcile';
import { describeArtifact, latestUrl } from '../shared/artifacts.ts';
import type { SourceEnvironment } from '../shared/kind.ts';
import { beginRun, currentArtifact, fail, succeed } from '../shared/run.ts';
import { timeoutOf } from '../shared/timeouts.ts';
import { type Remote, readRemote } from './credentials.ts';
import type { Fetcher, Wanted } from './fetch.ts';
import { verifyRevision } from './verify.ts';
import { words } from './words.ts';

export interface OCIRepositoryEnvironment extends SourceEnvironment {
  fetcher: Fetcher;
}

/** Reconciles one OCIRepository once. Steps that are done already are only checked. */
export async function reconcile(
  found: OCIRepository,
  context: ReconcileContext,
  informer: Informer<OCIRepository>,
  environment: OCIRepositoryEnvironment,
): Promise<Outcome> {
  const { client, identities, fetcher, address } = environment;
  const run = await beginRun(found, context, informer, { kind: OCIRepository, words }, environment);
  if (run === undefined) return {};
  const { object, signal } = run;
  const { ignore, layerSelector } = object.spec;
  try {
    // The request for a cloud's login may take long, so it holds no worker.
    const remote = await context.waiting(() =>
      orAborted(readRemote({ client, identities }, object, signal), signal),
    );
    const wanted = wantedOf(object, remote, { ignore, layerSelector });
    const { interval = '0s' } = object.spec;
    const maxAgeMs = acceptableAgeMs(context.causes, parseDuration(interval));
    const resolved = await context.waiting(() =>
      orAborted(fetcher.resolve(wanted, maxAgeMs), signal),
    );
    const isSame =
      object.status?.observedIgnore === ignore &&
      isDeepStrictEqual(object.status?.observedLayerSelector, layerSelector);
    const current = await currentArtifact(run, resolved.revision, isSame);
    const fields = {
      observedIgnore: ignore,
      observedLayerSelector: layerSelector,
      sourceVerificationFingerprint: await verifyRevision(run, wanted, resolved, fetcher),
      url: latestUrl(object, address),
    };
    if (current !== undefined) return await succeed(run, { artifact: current, fields });

    const snapshot = await context.waiting(() =>
      orAborted(fetcher.store(wanted, resolved), signal),
    );
    const artifact = describeArtifact(object, resolved.revision, snapshot, address);
    return await succeed(run, { artifact, fields });
  } catch (error) {
    return await fail(run, error);
  }
}

/** What an object wants from its registry; asking and pulling may take `spec.timeout` each. */
export function wantedOf(
  { metadata, spec }: OCIRepository,
  remote: Remote,
  selection: Wanted['selection'],
): Wanted {
  const timeoutMs = timeoutOf(spec);
  return { tenant: metadata.namespace ?? '', remote, ref: spec.ref, selection, timeoutMs };
}
