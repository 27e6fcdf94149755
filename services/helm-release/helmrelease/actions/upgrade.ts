// Helm's upgrade (pkg/action/upgrade.go), as a sequence of steps that are each recorded in storage before the next.
import type { PlacedObject } from '@weir/apply';
import { groupVersion, isNoMatch } from '@weir/kube';
import { pruneHistory } from '../release/prune-history.ts';
import type { Revision } from '../release/types.ts';
import { type ActionRun, inStep, mayGoOn, messageOf, type ReleaseRecord } from './action-run.ts';
import type { Capabilities } from './capabilities.ts';
import { cleanedUp } from './clean-up.ts';
import { runHooks } from './hooks/hooks.ts';
import { storeFailure, storeVersion } from './new-version.ts';
import { existingObjects, foundObjects, type LiveObjects } from './objects/existing.ts';
import { asOwned } from './objects/ownership.ts';
import { placeObjects } from './objects/place.ts';
import { type Prepared, prepareRelease } from './prepare.ts';
import { createdBy, updateAll } from './release-objects.ts';
import {
  crdPolicy,
  maxHistory,
  updatesServerSide,
  type WaitSettings,
  waitSettings,
} from './settings.ts';
import { supersedeOthers } from './supersede.ts';
import type { ReleaseContext } from './types.ts';
import { waitForObjects } from './wait/wait.ts';

type UpgradeRun = ActionRun<ReleaseContext>;

/** The versions that an upgrade starts from. */
interface Base {
  /** The highest one. */
  last: Revision;
  /** The one that is deployed, or the last one where none is. */
  current: Revision;
}

/** What changes and how, as it is known before anything is stored. */
interface Plan {
  serverSide: boolean;
  wait: WaitSettings;
  current: Revision;
  originals: PlacedObject[];
  targets: PlacedObject[];
  /** New objects, and which of them are there already. */
  live: LiveObjects;
}

/** Upgrades the release. Rejects with the failure in Helm's words, after it was stored where there was something to store. */
export async function upgrade(
  run: UpgradeRun,
  capabilities: (signal: AbortSignal) => Promise<Capabilities>,
): Promise<void> {
  const { object, options } = run.ctx;
  const spec = object.spec.upgrade ?? {};
  const wait = waitSettings(object, spec, options);
  const { last, current } = await findBase(run);
  const serverSide = updatesServerSide(spec.serverSideApply, last.content.applyMethod);
  const prepared = await prepareRelease(run, {
    revision: last.content.version + 1,
    isInstall: false,
    info: {
      firstDeployed: current.content.info.firstDeployed,
      lastDeployed: new Date().toISOString(),
      status: 'pending-upgrade',
      description: 'Preparing upgrade',
    },
    labels: last.labels,
    crds: crdPolicy(spec),
    skipSchemaValidation: spec.disableSchemaValidation ?? false,
    preserveValuesOf: spec.preserveValues ? current.payload : undefined,
    ...{ serverSide, wait, capabilities },
  });
  const planned = await planObjects(run, prepared, { current, serverSide });
  const plan = { serverSide, wait, current, ...planned };
  await pruneHistory(run, maxHistory(object));
  const record = await storeVersion(run, prepared.revision, prepared.crds);
  try {
    await perform(run, record, plan);
  } catch (error) {
    if (!mayGoOn(run, error)) throw error;
    const { failure, created } = error instanceof UpdateFailed ? error : { failure: error };
    await storeFailure(run, record, 'Upgrade', failure);
    throw await cleanedUp(run, 'upgrade', failure, created ?? []);
  }
  await supersedeOthers(run, record, current);
}

async function findBase({ ctx, storage }: UpgradeRun): Promise<Base> {
  const versions = await storage.versions();
  const last = versions[0] && (await storage.load(versions[0].version));
  const none = `${JSON.stringify(ctx.release.name)} has no deployed releases`;
  if (last === undefined) throw new Error(none);
  const { status } = last.content.info;
  if (status.startsWith('pending-')) {
    throw new Error('another operation (install/upgrade/rollback) is in progress');
  }
  if (status === 'deployed') return { last, current: last };
  const deployed = versions.find((one) => one.status === 'deployed');
  const current = deployed && (await storage.load(deployed.version));
  if (current !== undefined) return { last, current };
  if (status === 'failed' || status === 'superseded') return { last, current: last };
  throw new Error(none);
}

async function planObjects(
  { ctx }: UpgradeRun,
  { revision }: Prepared,
  { current, serverSide }: Pick<Plan, 'current' | 'serverSide'>,
): Promise<Pick<Plan, 'originals' | 'targets' | 'live'>> {
  const { cluster, object, options, release, signal } = ctx;
  const { client } = cluster;
  const { namespace } = release;
  const placed = await placeObjects(client, revision.content.objects, namespace);
  const targets = asOwned(release, placed);
  const originals = await placeObjects(client, current.content.objects, namespace).catch(
    (cause: unknown) => {
      throw new Error(`${unbuildable(cause)}: ${messageOf(cause)}`, { cause });
    },
  );
  const before = new Set(originals.map(objectKey));
  const live = await inStep(
    'unable to continue with update',
    existingObjects(
      client,
      targets.filter((one) => !before.has(objectKey(one))),
      {
        ownedBy: object.spec.upgrade?.disableTakeOwnership ? release : undefined,
        metadataOnly: serverSide,
        concurrency: options.concurrency,
        signal,
      },
    ),
  );
  return { originals: [...originals, ...foundObjects(live)], targets, live };
}

/** As Helm compares the two versions: an object in another version of its kind counts as new. */
function objectKey({ object, type }: PlacedObject): string {
  const { namespace = '', name } = object.metadata;
  return [groupVersion(type), type.kind, namespace, name].join('/');
}

function unbuildable(cause: unknown): string {
  return messageOf(cause).includes('no matches for kind') || isNoMatch(cause)
    ? 'current release manifest contains removed kubernetes api(s) for this kubernetes version and it is therefore unable ' +
        'to build the kubernetes objects for performing the diff. error from kubernetes'
    : 'unable to build kubernetes objects from current release manifest';
}

/** A failure after objects were written, with those that did not exist before. */
class UpdateFailed extends Error {
  override readonly name = 'UpdateFailed';
  readonly failure: unknown;
  readonly created: PlacedObject[];

  constructor(failure: unknown, created: PlacedObject[]) {
    super(messageOf(failure), { cause: failure });
    this.failure = failure;
    this.created = created;
  }
}

async function perform(run: UpgradeRun, record: ReleaseRecord, plan: Plan): Promise<void> {
  const { serverSide, wait, current, originals, targets, live } = plan;
  const spec = run.ctx.object.spec.upgrade ?? {};
  const hooks = (event: 'pre-upgrade' | 'post-upgrade') =>
    spec.disableHooks
      ? undefined
      : inStep(`${event} hooks failed`, runHooks(run, record, { event, serverSide, wait }));
  await hooks('pre-upgrade');
  const method = serverSide ? 'apply' : spec.force ? 'replace' : 'patch';
  const applied = await updateAll(run, targets, {
    ...{ originals, live, method },
    reportsCreated: spec.cleanupOnFail ?? false,
    handOver: serverSide && current.content.applyMethod !== 'ssa',
    threeWayForOthers: false,
  });
  try {
    if (applied.failure !== undefined) throw applied.failure.error;
    await waitForObjects(run, applied.objects, wait);
  } catch (error) {
    run.observed(current);
    throw new UpdateFailed(error, createdBy(applied, targets));
  }
  try {
    await hooks('post-upgrade');
  } catch (error) {
    throw new UpdateFailed(error, createdBy(applied, targets));
  }
  await record.save({ info: { status: 'deployed', description: 'Upgrade complete' } });
}
