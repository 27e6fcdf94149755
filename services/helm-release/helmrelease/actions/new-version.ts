// The version that an install, an upgrade or a rollback makes: how it is stored first, and how it is stored when the action fails.
import type { KubeObject } from '@weir/kube';
import { inventoryOf } from '../release/inventory.ts';
import type { Revision } from '../release/types.ts';
import { type ActionRun, mayGoOn, messageOf, type ReleaseRecord } from './action-run.ts';
import type { ReleaseContext } from './types.ts';

/** Stores the version, pending, and takes note of the objects that it has from now on. */
export async function storeVersion(
  run: ActionRun,
  revision: Revision,
  crds: KubeObject[],
): Promise<ReleaseRecord> {
  const { objects, namespace } = revision.content;
  const record = await run.create(revision);
  run.holds(await inventoryOf(run.ctx.cluster.client, { objects, crds, namespace }));
  return record;
}

/**
 * Stores the version as failed, in Helm's words: `<what> "<release>" failed: ...`. If that fails too, the first failure is the one
 * to report: the version stays pending, and the next run unlocks it.
 */
export async function storeFailure(
  run: Pick<ActionRun<ReleaseContext>, 'ctx'>,
  record: ReleaseRecord,
  what: 'Release' | 'Upgrade' | 'Rollback',
  failure: unknown,
): Promise<void> {
  const name = JSON.stringify(run.ctx.release.name);
  const description = `${what} ${name} failed: ${messageOf(failure)}`;
  try {
    await record.save({ info: { status: 'failed', description } });
  } catch (error) {
    if (!mayGoOn(run, error)) throw error;
    run.ctx.line(`failed to update release: ${messageOf(error)}`);
  }
}
