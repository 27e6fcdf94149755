// The step that reports which workloads of a release without drift detection were deleted.
import { DRIFTED, Reason } from '@weir/api';
import { type ObjectId, subjectOf } from '@weir/apply';
import { isNotFound } from '@weir/kube';
import { dropStates, setState } from '@weir/reconcile';
import type { Run } from '../run.ts';
import { subjectOf as aboutRelease } from '../status/events.ts';
import { releaseLabel } from './history.ts';
import { currentOf } from './prepared.ts';

/** Sets `Drifted` to the workloads that are missing now. */
export async function reportDeletedWorkloads(run: Run): Promise<void> {
  const { env, object, status, events } = run;
  const owner = `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
  const gone: string[] = [];
  for (const id of env.deletedWorkloads.get(owner)) {
    if (await exists(run, id)) env.deletedWorkloads.remove(owner, id);
    else gone.push(subjectOf(id));
  }
  const before = status.condition(DRIFTED);
  const current = currentOf(run);
  if (gone.length === 0 || current === undefined) {
    if (before?.reason === Reason.WorkloadDeleted) {
      status.update((it) => dropStates(it, [DRIFTED]));
    }
    return;
  }
  const message = `Release ${releaseLabel(current)} misses what somebody deleted: ${gone.sort().join(', ')}. An upgrade puts it back, or spec.driftDetection with the mode 'enabled'`;
  if (before?.status === 'True' && before.message === message) return;
  const drifted = { status: 'True', reason: Reason.WorkloadDeleted, message } as const;
  status.update((it) => setState(it, DRIFTED, drifted));
  events.publish('error', Reason.WorkloadDeleted, message, aboutRelease(current));
}

async function exists(
  { cluster }: Run,
  { group, kind, namespace, name }: ObjectId,
): Promise<boolean> {
  try {
    const type = await cluster.client.discovery.resourceFor({ group, kind });
    await cluster.client.get(type, { namespace, name }, { metadataOnly: true });
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}
