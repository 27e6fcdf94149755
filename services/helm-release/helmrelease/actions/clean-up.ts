// `cleanupOnFail`: what an upgrade or a rollback that failed had created is deleted again.
import type { PlacedObject } from '@weir/apply';
import { type ActionRun, messageOf } from './action-run.ts';
import { removeObjects } from './objects/remove.ts';

/** The failure, after the spec of the action had what was created deleted; with what could not be deleted. */
export async function cleanedUp(
  run: ActionRun,
  action: 'upgrade' | 'rollback',
  failure: unknown,
  created: readonly PlacedObject[],
): Promise<unknown> {
  if (!run.ctx.object.spec[action]?.cleanupOnFail || created.length === 0) return failure;
  const { failures } = await removeObjects(run, created, 'Background');
  if (failures.length === 0) return failure;
  const why = failures.map(messageOf).join(', ');
  return new Error(
    `an error occurred while cleaning up resources. original ${action} error: ` +
      `${messageOf(failure)}: unable to cleanup resources: ${why}`,
    { cause: failure },
  );
}
