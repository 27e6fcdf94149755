// What becomes of the versions that a new one follows. Helm marks them before the new one is `deployed`; here it is the other
// way round: a process that is killed in between leaves two versions deployed, of which the higher one counts, and not none,
// which would make the next upgrade start from a version that was perhaps never applied whole.
import type { Revision } from '../release/types.ts';
import { type ActionRun, mayGoOn, messageOf, type ReleaseRecord } from './action-run.ts';

/** Marks a version as followed by another one. Where that fails the new version counts all the same, as in Helm. */
export async function supersede(
  run: ActionRun,
  revision: Revision,
  description?: string,
): Promise<void> {
  const { version } = revision.content;
  const info = {
    status: 'superseded',
    ...(description === undefined ? {} : { description }),
  } as const;
  try {
    await run.record(revision).save({ info });
  } catch (error) {
    if (!mayGoOn(run, error)) throw error;
    run.ctx.line(`failed to mark version ${version} as superseded: ${messageOf(error)}`);
  }
}

/** Marks all versions that are deployed beside the one that just was, and `current`, which it started from. */
export async function supersedeOthers(
  run: ActionRun,
  record: ReleaseRecord,
  current?: Revision,
): Promise<void> {
  const own = record.revision().content.version;
  if (current !== undefined) await supersede(run, current);
  for (const { version, status } of await run.storage.versions()) {
    if (status !== 'deployed' || version === own) continue;
    const revision = await run.storage.load(version);
    if (revision !== undefined) await supersede(run, revision);
  }
}
