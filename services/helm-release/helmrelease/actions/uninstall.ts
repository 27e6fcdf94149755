// Helm's uninstall (pkg/action/uninstall.go).
import type { PlacedObject } from '@weir/apply';
import type { Revision } from '../release/types.ts';
import { type ActionRun, inStep, mayGoOn, messageOf, type ReleaseRecord } from './action-run.ts';
import { deleteInterrupted } from './hooks/cleanup.ts';
import { runHooks } from './hooks/hooks.ts';
import { placeObjects } from './objects/place.ts';
import {
  type Propagation,
  removeObjects,
  uninstallPolicy,
  waitUntilRemoved,
} from './objects/remove.ts';
import { uninstallOrder } from './objects/uninstall-order.ts';
import { waitSettings } from './settings.ts';
import { supersedeOthers } from './supersede.ts';
import type { UninstallContext, UninstallResult } from './types.ts';

const PROPAGATION: Record<string, Propagation> = {
  background: 'Background',
  foreground: 'Foreground',
  orphan: 'Orphan',
};

/** Uninstalls the release, whatever version is the last one. Returns why there was nothing to do, if so. */
export async function uninstall(
  run: ActionRun<UninstallContext>,
): Promise<UninstallResult['absent']> {
  const { ctx, storage } = run;
  const { object, release } = ctx;
  const spec = object.spec.uninstall ?? {};
  const [highest] = await inStep(
    `uninstall: Release not loaded: ${release.name}`,
    storage.versions(),
  );
  const last = highest && (await storage.load(highest.version));
  if (last === undefined) return 'missing';
  if (last.content.info.status === 'uninstalled') {
    if (spec.keepHistory) return 'already';
    await purge(run, last);
    return undefined;
  }
  const wait = waitSettings(object, spec, ctx.options);
  const record = run.record(last);
  record.note({
    info: {
      status: 'uninstalling',
      deleted: new Date().toISOString(),
      description: 'Deletion in progress (or silently failed)',
    },
  });
  // Helm runs the hooks of an uninstall by server-side apply, however the release was applied.
  const hooks = async (event: 'pre-delete' | 'post-delete') => {
    if (!spec.disableHooks) await runHooks(run, record, { event, serverSide: true, wait });
  };
  await hooks('pre-delete');
  await record.save({});
  ctx.cluster.drift.untrack(run.key);
  const errors: unknown[] = [];
  const going = await removeAll(run, last, PROPAGATION[spec.deletionPropagation ?? '']);
  await collected(run, errors, deleteInterrupted(run, last.content.hooks));
  if (wait.mode !== 'none') await collected(run, errors, waitUntilRemoved(run, going));
  await collected(run, errors, hooks('post-delete'));
  if (spec.keepHistory) await keep(run, record);
  else await collected(run, errors, inStep(PURGE_FAILED, purge(run, last)));
  if (errors.length === 0) return undefined;
  const why = errors.map(messageOf).join('; ');
  throw new Error(`uninstallation completed with ${errors.length} error(s): ${why}`, {
    cause: errors[0],
  });
}

const PURGE_FAILED = 'uninstall: Failed to purge the release';

/** A failure that doesn't end the uninstall. */
async function collected(run: ActionRun, errors: unknown[], step: Promise<void>): Promise<void> {
  try {
    await step;
  } catch (error) {
    if (!mayGoOn(run, error)) throw error;
    errors.push(error);
  }
}

/** Deletes the objects of the manifest but those that are to be kept. Returns what is not gone yet. */
async function removeAll(
  run: ActionRun<UninstallContext>,
  { content }: Revision,
  propagation: Propagation = 'Background',
): Promise<PlacedObject[]> {
  const { ctx } = run;
  const failed = `failed to delete release: ${ctx.release.name}`;
  const { delete: deleted = [], keep: kept = [] } = Object.groupBy(
    content.objects,
    uninstallPolicy,
  );
  for (const { kind, metadata } of kept) {
    ctx.line(`kept due to the resource policy: [${kind}] ${metadata.name}`);
  }
  const objects = uninstallOrder(deleted);
  const placed = await inStep(failed, placeObjects(ctx.cluster.client, objects, content.namespace));
  const isLeft = (index: number) =>
    ctx.leavesUnplaced && placed[index]?.type.namespaced && !objects[index]?.metadata.namespace;
  const removed = placed.filter((_, index) => !isLeft(index));
  const { going, failures } = await removeObjects(run, removed, propagation);
  if (failures.length === 0) return going;
  // Helm says no more than that it failed; why is what the user has to know.
  throw new Error(`${failed}: ${failures.map(messageOf).join('; ')}`, { cause: failures[0] });
}

/** Stores the version as uninstalled, and those that were deployed as superseded. */
async function keep(run: ActionRun, record: ReleaseRecord): Promise<void> {
  await record.save({
    info: { status: 'uninstalled', description: 'Uninstallation complete' },
  });
  await supersedeOthers(run, record);
}

/** Deletes all versions from storage, the last one at the end: while it is there, the uninstall is resumed. */
async function purge(run: ActionRun, last: Revision): Promise<void> {
  const { storage, guard } = run;
  for (const { version } of (await storage.versions()).toReversed()) {
    guard();
    await storage.remove(version);
  }
  run.observed(last);
}
