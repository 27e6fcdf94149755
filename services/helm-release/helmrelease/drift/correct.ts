// Corrects drift: a deleted object is created again, and a changed one gets a JSON patch (helm-controller, ApplyDiff).
import { compareIds, type PlacedObject, placeObject, targetOf, withoutSecrets } from '@weir/apply';
import type { KubeObject } from '@weir/kube';
import { mayGoOn, messageOf } from '../actions/action-run.ts';
import type {
  ActionContext,
  CorrectionResult,
  DriftReport,
  ReleaseDifference,
} from '../actions/types.ts';
import { CONTROLLER } from '../names.ts';

/**
 * Corrects the differences of a report: objects are created first, in the order of an apply. A failure stops none of
 * the others. The drift watch forgets the release until the next search for drift.
 */
export async function correctDrift(
  ctx: ActionContext,
  { differences }: DriftReport,
): Promise<CorrectionResult> {
  const { metadata } = ctx.object;
  ctx.cluster.drift.untrack(`${metadata.namespace}/${metadata.name}`);
  const result: CorrectionResult = { changes: [], errors: [] };
  for (const difference of inOrder(differences)) {
    const { subject, type } = difference;
    try {
      await correct(ctx, difference);
      result.changes.push(`${subject} ${type === 'create' ? 'created' : 'configured'}`);
    } catch (error) {
      if (!mayGoOn({ ctx }, error)) throw error;
      const what = type === 'create' ? 'creation' : 'patch';
      const text = withoutSecrets(difference.desired as KubeObject, messageOf(error));
      result.errors.push(`${subject} ${what} failure: ${text}`);
    }
  }
  return result;
}

function inOrder(differences: readonly ReleaseDifference[]): ReleaseDifference[] {
  const { create = [], update = [] } = Object.groupBy(differences, ({ type }) => type);
  return [create, update].flatMap((some) => some.toSorted((a, b) => compareIds(idOf(a), idOf(b))));
}

function idOf({ desired }: ReleaseDifference) {
  return targetOf(desired as KubeObject);
}

async function correct(ctx: ActionContext, { type, desired, patch = [] }: ReleaseDifference) {
  const { cluster, guard, signal } = ctx;
  const placed: PlacedObject = await placeObject(
    cluster.client,
    desired as KubeObject,
    ctx.release.namespace,
  );
  guard();
  const { object } = placed;
  if (type === 'create') {
    await cluster.client.create(placed.type, object, { fieldManager: CONTROLLER, signal });
  } else {
    const how = { kind: 'json', fieldManager: CONTROLLER, signal } as const;
    await cluster.client.patch(placed.type, object.metadata, patch, how);
  }
}
