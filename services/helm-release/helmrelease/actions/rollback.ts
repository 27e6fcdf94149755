// Helm's rollback (pkg/action/rollback.go): the content of an earlier version becomes a new one.
import type { PlacedObject } from '@weir/apply';
import { derived } from '../release/derived.ts';
import { pruneHistory } from '../release/prune-history.ts';
import type { Revision } from '../release/types.ts';
import { type ActionRun, inStep, mayGoOn, messageOf, type ReleaseRecord } from './action-run.ts';
import { cleanedUp } from './clean-up.ts';
import { chartCrds } from './crds.ts';
import { runHooks } from './hooks/hooks.ts';
import { storeFailure, storeVersion } from './new-version.ts';
import { asOwned } from './objects/ownership.ts';
import { placeObjects } from './objects/place.ts';
import { createdBy, updateAll } from './release-objects.ts';
import { maxHistory, updatesServerSide, type WaitSettings, waitSettings } from './settings.ts';
import { supersede, supersedeOthers } from './supersede.ts';
import type { ReleaseContext } from './types.ts';
import { waitForObjects } from './wait/wait.ts';

type RollbackRun = ActionRun<ReleaseContext>;

interface Plan {
  serverSide: boolean;
  wait: WaitSettings;
  current: Revision;
  originals: PlacedObject[];
  targets: PlacedObject[];
}

/** Goes back to a version. Rejects with the failure in Helm's words. A hook that fails leaves the new version pending. */
export async function rollback(run: RollbackRun, toVersion: number): Promise<void> {
  const { ctx } = run;
  const spec = ctx.object.spec.rollback ?? {};
  const { current, target } = await findVersions(run, toVersion);
  const serverSide = updatesServerSide(spec.serverSideApply, target.content.applyMethod);
  const wait = waitSettings(ctx.object, spec, ctx.options);
  const revision = await derived(run, target, {
    version: current.content.version + 1,
    ociDigest: undefined,
    applyMethod: serverSide ? 'ssa' : 'csa',
    info: {
      firstDeployed: current.content.info.firstDeployed,
      lastDeployed: new Date().toISOString(),
      status: 'pending-rollback',
      description: `Rollback to ${toVersion}`,
    },
  });
  const crds = await chartCrds(run);
  await pruneHistory(run, maxHistory(ctx.object));
  const { client } = ctx.cluster;
  const { objects, namespace } = revision.content;
  const record = await storeVersion(run, revision, crds);
  const originals = await inStep(
    'unable to build kubernetes objects from current release manifest',
    placeObjects(client, current.content.objects, namespace),
  );
  const targets = asOwned(
    ctx.release,
    await inStep(
      'unable to build kubernetes objects from new release manifest',
      placeObjects(client, objects, namespace),
    ),
  );
  const hooks = async (event: 'pre-rollback' | 'post-rollback') => {
    if (!spec.disableHooks) await runHooks(run, record, { event, serverSide, wait });
  };
  await hooks('pre-rollback');
  await apply(run, record, { serverSide, wait, current, originals, targets });
  await hooks('post-rollback');
  await record.save({ info: { status: 'deployed' } });
  await supersedeOthers(run, record);
}

async function findVersions({ ctx, storage }: RollbackRun, toVersion: number) {
  const [highest] = await storage.versions();
  const current = highest && (await storage.load(highest.version));
  if (current === undefined) throw new Error(`${ctx.release.name}: release: not found`);
  const target = toVersion === current.content.version ? current : await storage.load(toVersion);
  if (target === undefined) throw new Error(`release has no ${toVersion} version`);
  return { current, target };
}

/** Applies the version and waits for it; a failure of either is stored. */
async function apply(run: RollbackRun, record: ReleaseRecord, plan: Plan): Promise<void> {
  const { serverSide, wait, current, originals, targets } = plan;
  const { name } = run.ctx.release;
  const spec = run.ctx.object.spec.rollback ?? {};
  const applied = await updateAll(run, targets, {
    originals,
    live: new Map(),
    method: serverSide ? 'apply' : spec.force ? 'replace' : 'patch',
    reportsCreated: spec.cleanupOnFail ?? false,
    handOver: serverSide,
    threeWayForOthers: false,
  });
  if (applied.failure !== undefined) {
    const { error } = applied.failure;
    if (!mayGoOn(run, error)) throw error;
    await supersede(run, current);
    await storeFailure(run, record, 'Rollback', error);
    throw await cleanedUp(run, 'rollback', error, createdBy(applied, targets));
  }
  try {
    await waitForObjects(run, applied.objects, wait);
  } catch (cause) {
    if (!mayGoOn(run, cause)) throw cause;
    run.observed(current);
    await storeFailure(run, record, 'Release', cause);
    throw new Error(`release ${name} failed: ${messageOf(cause)}`, { cause });
  }
}
