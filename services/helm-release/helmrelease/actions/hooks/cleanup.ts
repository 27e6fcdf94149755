// Deleting hooks by their policies.
import type { HelmHook } from '@weir/render';
import { type ActionRun, inStep, messageOf } from '../action-run.ts';
import { placeObjects } from '../objects/place.ts';
import { removeObjects, waitUntilRemoved } from '../objects/remove.ts';
import type { WaitSettings } from '../settings.ts';

/** Deletes the hook if it has that policy, and waits until it is gone. Never a CustomResourceDefinition, as in Helm. */
export async function deleteByPolicy(
  run: ActionRun,
  { kind, path, objects, deletePolicies }: HelmHook,
  policy: HelmHook['deletePolicies'][number],
  wait: WaitSettings,
): Promise<void> {
  if (kind === 'CustomResourceDefinition' || !deletePolicies.includes(policy)) return;
  const { client } = run.ctx.cluster;
  const placed = await inStep(
    `unable to build kubernetes object for deleting hook ${path}`,
    placeObjects(client, objects, run.ctx.release.namespace),
  );
  const { going, failures } = await removeObjects(run, placed, 'Background');
  if (failures.length > 0) throw new Error(failures.map(messageOf).join('; '));
  if (wait.mode !== 'none') await waitUntilRemoved(run, going);
}

/**
 * Deletes what is left of hooks during which a process was killed: they are stored as running, and were not deleted by
 * their policy. This is done at the uninstall and not earlier, because such a hook may still be running.
 */
export async function deleteInterrupted(run: ActionRun, hooks: readonly HelmHook[]): Promise<void> {
  const left = hooks.filter(
    ({ lastRun, deletePolicies }) =>
      lastRun.phase === 'Running' &&
      deletePolicies.some((policy) => policy === 'hook-succeeded' || policy === 'hook-failed'),
  );
  for (const hook of left) {
    const [policy] = hook.deletePolicies;
    if (policy !== undefined)
      await deleteByPolicy(run, hook, policy, { mode: 'none', jobs: false });
  }
}
