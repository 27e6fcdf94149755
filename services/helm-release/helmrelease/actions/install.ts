// Helm's install (pkg/action/install.go), as a sequence of steps that are each recorded in storage before the next.
import type { PlacedObject } from '@weir/apply';
import { isAlreadyExists } from '@weir/kube';
import { derived } from '../release/derived.ts';
import type { VersionLabels } from '../release/secret.ts';
import { type ActionRun, inStep, mayGoOn, type ReleaseRecord } from './action-run.ts';
import type { Capabilities } from './capabilities.ts';
import { runHooks } from './hooks/hooks.ts';
import { storeFailure, storeVersion } from './new-version.ts';
import { existingObjects, foundObjects, type LiveObjects } from './objects/existing.ts';
import { asOwned } from './objects/ownership.ts';
import { placeObjects } from './objects/place.ts';
import { applyServerSide, createObject } from './objects/write.ts';
import { type Prepared, prepareRelease } from './prepare.ts';
import { createAll, updateAll } from './release-objects.ts';
import { crdPolicy, installsServerSide, type WaitSettings, waitSettings } from './settings.ts';
import { supersede } from './supersede.ts';
import type { ReleaseContext } from './types.ts';
import { waitForObjects } from './wait/wait.ts';

type InstallRun = ActionRun<ReleaseContext>;

/** What is installed and how, as it is known before anything is stored. */
interface Plan {
  serverSide: boolean;
  wait: WaitSettings;
  targets: PlacedObject[];
  /** What of them is there already, and is taken over. */
  live: LiveObjects;
}

/** Installs the release. Rejects with the failure in Helm's words, after it was stored where there was something to store. */
export async function install(
  run: InstallRun,
  capabilities: (signal: AbortSignal) => Promise<Capabilities>,
): Promise<void> {
  const { object, options } = run.ctx;
  const spec = object.spec.install ?? {};
  const serverSide = installsServerSide(object, options);
  const wait = waitSettings(object, spec, options);
  const last = await requireName(run);
  const now = new Date().toISOString();
  const prepared = await prepareRelease(run, {
    // Templates see the first revision, also where an uninstalled release is replaced.
    revision: 1,
    isInstall: true,
    info: {
      firstDeployed: now,
      lastDeployed: now,
      status: 'pending-install',
      description: 'Initial install underway',
    },
    labels: {},
    crds: crdPolicy(spec),
    skipSchemaValidation: spec.disableSchemaValidation ?? false,
    ...{ serverSide, wait, capabilities },
  });
  const plan = { serverSide, wait, ...(await planObjects(run, prepared, serverSide)) };
  await createNamespace(run, serverSide);
  // One that failed stays as it is.
  const replaced =
    last?.status === 'uninstalled' ? await run.storage.load(last.version) : undefined;
  if (replaced !== undefined) await supersede(run, replaced, 'superseded by new release');
  const record = await store(run, prepared, (last?.version ?? 0) + 1);
  try {
    await perform(run, record, plan);
  } catch (error) {
    if (!mayGoOn(run, error)) throw error;
    await storeFailure(run, record, 'Release', error);
    throw error;
  }
}

/** The version that is replaced, if any. Rejects for a name that is in use. */
async function requireName({ ctx, storage }: InstallRun): Promise<VersionLabels | undefined> {
  const [last] = await storage.versions();
  if (last === undefined) return undefined;
  const { replace = false } = ctx.object.spec.install ?? {};
  if (replace && (last.status === 'uninstalled' || last.status === 'failed')) return last;
  throw new Error('release name check failed: cannot reuse a name that is still in use');
}

/**
 * The objects in their places, and which of them are there. Rejects in Helm's words. A server-side apply that takes over
 * whatever is there finds that out by itself; an account has to be allowed to read the objects all the same, as in Helm.
 */
async function planObjects({ ctx }: InstallRun, { revision }: Prepared, serverSide: boolean) {
  const { cluster, hasOwnRights, object, options, release, signal } = ctx;
  const placed = await inStep(
    'unable to build kubernetes objects from release manifest',
    placeObjects(cluster.client, revision.content.objects, release.namespace),
  );
  const targets = asOwned(release, placed);
  const takesOver = !object.spec.install?.disableTakeOwnership;
  if (serverSide && hasOwnRights && takesOver) return { targets, live: new Map() };
  const live = await inStep(
    'unable to continue with install',
    existingObjects(cluster.client, targets, {
      ownedBy: takesOver ? undefined : release,
      metadataOnly: serverSide,
      concurrency: options.concurrency,
      signal,
    }),
  );
  return { targets, live };
}

async function createNamespace({ ctx, guard }: InstallRun, serverSide: boolean): Promise<void> {
  const { cluster, object, release, signal } = ctx;
  const { targetNamespace, install: { createNamespace: isWanted = false } = {} } = object.spec;
  if (!targetNamespace || !isWanted) return;
  const { namespace: name } = release;
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: { name } } };
  const writer = { client: cluster.client, guard, signal };
  for (const placed of await placeObjects(cluster.client, [namespace], '')) {
    try {
      if (serverSide) await applyServerSide(writer, placed, { force: false });
      else await createObject(writer, placed);
    } catch (error) {
      if (!(error instanceof Error && isAlreadyExists(error.cause))) throw error;
    }
  }
}

async function store(run: InstallRun, { revision, crds }: Prepared, version: number) {
  const { ociDigest } = revision;
  const stored = version === 1 ? revision : await derived(run, revision, { version, ociDigest });
  return storeVersion(run, stored, crds);
}

async function perform(run: InstallRun, record: ReleaseRecord, plan: Plan): Promise<void> {
  const { serverSide, wait, targets, live } = plan;
  const spec = run.ctx.object.spec.install ?? {};
  const hooks = async (event: 'pre-install' | 'post-install') => {
    if (spec.disableHooks) return;
    await inStep(`failed ${event}`, runHooks(run, record, { event, serverSide, wait }));
  };
  await hooks('pre-install');
  const adopted = foundObjects(live);
  const { objects, failure } =
    adopted.length === 0
      ? await createAll(run, targets, { serverSide, takesOver: !spec.disableTakeOwnership })
      : await updateAll(run, targets, {
          originals: adopted,
          live,
          method: serverSide ? 'apply' : 'patch',
          reportsCreated: false,
          handOver: serverSide,
          threeWayForOthers: !spec.disableTakeOwnership,
        });
  if (failure !== undefined) throw failure.error;
  await waitForObjects(run, objects, wait);
  await hooks('post-install');
  await record.save({ info: { status: 'deployed', description: 'Install complete' } });
}
