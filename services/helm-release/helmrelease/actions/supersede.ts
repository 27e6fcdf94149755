import { isNotFound } from '@weir/kube';
import { StorageError } from '../release/storage.ts';
import type { Revision } from '../release/types.ts';
import type { Run } from './run.ts';

/** Marks a version as followed by another one. That somebody has deleted it meanwhile changes nothing, as in Helm. */
export async function supersede(run: Run, revision: Revision, description?: string): Promise<void> {
  const info = {
    status: 'superseded',
    ...(description === undefined ? {} : { description }),
  } as const;
  try {
    await run.record(revision).save({ info });
  } catch (error) {
    if (!(error instanceof StorageError && isNotFound(error.cause))) throw error;
    run.ctx.line(`version ${revision.content.version} is no longer in storage`);
  }
}
