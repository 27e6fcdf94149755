// Reconciles one HelmRepository, from top to bottom: fetches its index, reads and stores it if it is new, and announces
// the artifact.
import { HelmRepository } from '@weir/api';
import { orAborted } from '@weir/async';
import type { Informer, Outcome, ReconcileContext } from '@weir/controller';
import { describeArtifact, isArtifactLost, latestUrl } from '../shared/artifacts.ts';
import { readAccess } from '../shared/charts/access.ts';
import type { SourceEnvironment } from '../shared/kind.ts';
import { beginRun, currentArtifact, fail, succeed } from '../shared/run.ts';
import { indexFailure, refuseRegistry } from './failures.ts';
import { makeStatic } from './static.ts';
import { LATEST_FILE, words } from './words.ts';

/** Reconciles one HelmRepository once. Steps that are done already are only checked. */
export async function reconcile(
  found: HelmRepository,
  context: ReconcileContext,
  informer: Informer<HelmRepository>,
  environment: SourceEnvironment,
): Promise<Outcome> {
  const { client, store, charts, address } = environment;
  if (found.spec.type === 'oci') return makeStatic(found, context, informer, environment);
  const kind = { kind: HelmRepository, words };
  const run = await beginRun(found, context, informer, kind, environment);
  if (run === undefined) return {};
  const { object, signal } = run;
  const fields = { url: latestUrl(object, address, LATEST_FILE) };
  try {
    refuseRegistry(object);
    const access = await readAccess(client, object, signal);
    const before = object.status?.artifact;
    const known = (await isArtifactLost(store, before)) ? undefined : before?.revision;
    const { revision, snapshot } = await context.waiting(() =>
      orAborted(charts.indexes.fetch(access, known), signal).catch((cause: unknown) => {
        throw indexFailure(cause);
      }),
    );
    const current = await currentArtifact(run, revision, snapshot === undefined);
    if (current !== undefined || snapshot === undefined) {
      const artifact = current ?? before;
      if (artifact === undefined) throw new Error('an index that nobody has was not stored');
      return await succeed(run, { artifact, fields });
    }
    const stored = { ...snapshot, suffix: '.yaml' as const };
    const artifact = describeArtifact(object, revision, stored, address);
    return await succeed(run, { artifact, fields });
  } catch (error) {
    return await fail(run, error);
  }
}
