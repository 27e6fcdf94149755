// Searches for drift: compares each object of a release with its manifest (helm-controller, internal/action/diff.go).
import { type AppliedObject, type PlacedObject, subjectOfObject, targetOf } from '@weir/apply';
import { mapBounded } from '@weir/async';
import type { KubeObject } from '@weir/kube';
import {
  type ActionRun,
  mayGoOn,
  messageOf,
  openRun,
  type RunEnvironment,
} from '../actions/action-run.ts';
import { appliedAs, intactAs } from '../actions/objects/applied.ts';
import { asOwned } from '../actions/objects/ownership.ts';
import { placeObjects } from '../actions/objects/place.ts';
import { trackRelease } from '../actions/release-objects.ts';
import type { ActionContext, DriftReport, ReleaseDifference } from '../actions/types.ts';
import type { StoredRelease } from '../release/types.ts';
import { type Comparison, compareObject } from './compare.ts';

interface Compared {
  placed: PlacedObject;
  comparison: Comparison;
}

/**
 * Compares a version with the cluster. An object that is unchanged according to the drift watch costs no request. When
 * nothing differs, the drift watch tracks all objects in the state that was found.
 */
export async function detectDrift(
  ctx: ActionContext,
  environment: RunEnvironment,
  release: StoredRelease,
): Promise<DriftReport> {
  const run = openRun(ctx, environment);
  const { cluster, options } = ctx;
  if (cluster.drift.allIntact(run.key)) return { differences: [], errors: [], message: '' };
  const revision = await run.storage.load(release.version);
  if (revision === undefined) throw new Error('release: not found');
  const { objects, namespace } = revision.content;
  cluster.drift.hold(run.key);
  try {
    const placed = asOwned(release, await placeObjects(cluster.client, objects, namespace));
    const ignored = await ignoredFields(run, placed);
    const errors: string[] = [];
    const outcomes = await mapBounded(placed, options.concurrency, async (one, index) => {
      try {
        return [{ placed: one, comparison: await compare(run, one, ignored[index] ?? []) }];
      } catch (error) {
        if (!mayGoOn(run, error)) throw error;
        errors.push(messageOf(error));
        return [];
      }
    });
    const compared = outcomes.flat();
    const differences = compared.flatMap(differenceOf);
    if (differences.length === 0 && errors.length === 0) await track(run, compared);
    return { differences, errors, message: differences.length === 0 ? '' : summary(compared) };
  } finally {
    cluster.drift.release(run.key);
  }
}

async function compare(
  run: ActionRun,
  placed: PlacedObject,
  ignored: readonly string[],
): Promise<Comparison> {
  const { object } = placed;
  const uid = run.ctx.cluster.drift.intact(targetOf(object), run.digest(object));
  return uid === undefined ? compareObject(run, placed, ignored) : { type: 'intact', uid };
}

/** The JSON pointers that `spec.driftDetection.ignore` names in each object. */
async function ignoredFields(
  { ctx, engine }: ActionRun,
  objects: readonly PlacedObject[],
): Promise<string[][]> {
  const { ignore: rules = [] } = ctx.object.spec.driftDetection ?? {};
  if (rules.length === 0) return [];
  return ctx.pool.exempt(
    { rules, objects: objects.map(({ object }) => selectable(object)) },
    { tenant: engine.tenant },
  );
}

/** The parts of an object that selectors use. */
function selectable({ apiVersion, kind, metadata }: KubeObject): object {
  const { name, namespace, labels, annotations } = metadata;
  return { apiVersion, kind, metadata: { name, namespace, labels, annotations } };
}

async function track(run: ActionRun, compared: readonly Compared[]): Promise<void> {
  const found = compared.flatMap(({ placed, comparison }): AppliedObject[] => {
    if (comparison.type === 'intact') return [intactAs(placed, comparison.uid)];
    return comparison.type === 'none' ? [appliedAs('unchanged', placed, comparison.live)] : [];
  });
  await trackRelease(run, found);
}

function differenceOf({ placed: { object }, comparison }: Compared): ReleaseDifference[] {
  const subject = subjectOfObject(object);
  if (comparison.type === 'create') {
    return [{ subject, type: 'create', summary: `${subject} removed`, desired: object }];
  }
  if (comparison.type !== 'update') return [];
  const { patch } = comparison;
  return [
    { subject, type: 'update', summary: `${subject} ${counted(patch)}`, desired: object, patch },
  ];
}

/** Flux's lines about everything that differs or is left out. They have no values, and so no secrets. */
function summary(compared: readonly Compared[]): string {
  return compared
    .flatMap((one) => {
      if (one.comparison.type === 'exclude')
        return [`${subjectOfObject(one.placed.object)} excluded`];
      return differenceOf(one).map(({ summary }) => summary);
    })
    .join('\n');
}

function counted(patch: readonly { op: string }[]): string {
  const count = (wanted: string) => patch.filter(({ op }) => op === wanted).length;
  const [added, changed, removed] = [count('add'), count('replace'), count('remove')];
  return `changed (${added} additions, ${changed} changes, ${removed} removals)`;
}
