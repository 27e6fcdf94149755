import type { ActionRun } from './action-run.ts';

/** Stores a version that an action has left pending as failed. One that isn't pending any more stays as it is. */
export async function unlock(run: ActionRun, version: number): Promise<void> {
  const revision = await run.storage.load(version);
  const { status } = revision?.content.info ?? {};
  if (revision === undefined || !status?.startsWith('pending-')) return;
  const description = `Release unlocked from stale '${status}' state`;
  await run.record(revision).save({ info: { status: 'failed', description } });
}
