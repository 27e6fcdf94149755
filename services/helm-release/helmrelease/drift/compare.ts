// Compares one object of a release with the cluster, by a forced dry-run apply as helm-controller, which changes
// nothing (fluxcd/pkg/ssa, jsondiff).
import {
  COMPARISON_ATTEMPTS,
  fieldsTakeover,
  isMarked,
  isSameVersion,
  type JsonPatchOperation,
  overrideRules,
  type PlacedObject,
  readLive,
  takeOver,
  withoutFields,
  withoutSecrets,
  wouldCreate,
} from '@weir/apply';
import { isApiError, type KubeObject } from '@weir/kube';
import { type ActionRun, messageOf } from '../actions/action-run.ts';
import { CONTROLLER, GROUP } from '../names.ts';
import { jsonDiff } from './json-diff.ts';

/** An object with this label or annotation, in the manifest or in the cluster, is left out. */
export const EXCLUDED = { [`${GROUP}/driftDetection`]: 'disabled' };

export type Comparison =
  | { type: 'none'; live: KubeObject }
  /** The drift watch knows that the object is as it was applied. */
  | { type: 'intact'; uid: string }
  | { type: 'create' }
  | { type: 'update'; live: KubeObject; patch: JsonPatchOperation[] }
  | { type: 'exclude' };

/**
 * Compares an object, without the fields that the JSON pointers name. Rejects with Flux's message when the dry-run
 * fails.
 */
export async function compareObject(
  run: ActionRun,
  placed: PlacedObject,
  ignored: readonly string[],
): Promise<Comparison> {
  const { object, type } = placed;
  if (isMarked(object, EXCLUDED) || ignored.includes('')) return { type: 'exclude' };
  const { cluster, signal } = run.ctx;
  const how = { fieldManager: CONTROLLER, force: true, dryRun: true, signal };
  for (let attempt = 1; ; attempt++) {
    let live = await readLive(cluster.client, type, object, signal);
    if (live !== undefined) live = await withoutOverridden(run, placed, live);
    if (isMarked(live, EXCLUDED)) return { type: 'exclude' };
    const merged = await cluster.client.apply(type, object, how).catch((cause: unknown) => {
      if (!isApiError(cause)) throw cause;
      throw new Error(withoutSecrets(object, dryRunText(placed, cause)), { cause });
    });
    if (live === undefined || wouldCreate(merged)) return { type: 'create' };
    if (isSameVersion(live, merged) || attempt >= COMPARISON_ATTEMPTS) {
      const patch = drift(withoutFields(live, ignored), withoutFields(merged, ignored));
      return patch.length === 0 ? { type: 'none', live } : { type: 'update', live, patch };
    }
  }
}

/** First takes over the fields of managers that the operator has named, so that they are no difference. */
async function withoutOverridden(
  { ctx, guard }: ActionRun,
  placed: PlacedObject,
  live: KubeObject,
): Promise<KubeObject> {
  const rules = overrideRules(ctx.options.overrideManagers);
  const operations = (now: KubeObject) => fieldsTakeover(now, CONTROLLER, rules);
  const first = operations(live);
  if (first.length === 0) return live;
  const { client } = ctx.cluster;
  const how = { first, operations, fieldManager: CONTROLLER, guard, signal: ctx.signal };
  await takeOver(client, placed, how);
  return (await readLive(client, placed.type, placed.object, ctx.signal)) ?? live;
}

/** The changed or missing labels and annotations, and every difference outside metadata and status. */
function drift(live: KubeObject, merged: KubeObject): JsonPatchOperation[] {
  const metadata = jsonDiff(described(live), described(merged)).filter(({ op }) => op !== 'remove');
  return [...metadata, ...jsonDiff(declared(live), declared(merged))];
}

/** The name is included so that metadata is never empty, and a patch never replaces all of it. */
function described({ metadata: { name, annotations, labels } }: KubeObject): object {
  return {
    metadata: { name, ...(annotations && { annotations }), ...(labels && { labels }) },
  };
}

function declared({ metadata: _metadata, status: _status, ...rest }: KubeObject): object {
  return rest;
}

function dryRunText({ object, type }: PlacedObject, cause: { message: string; reason: string }) {
  const { namespace, name } = object.metadata;
  const subject = [type.kind, ...(namespace ? [namespace] : []), name].join('/');
  const reason = cause.reason === '' ? '' : ` (${cause.reason})`;
  return `${subject} dry-run failed${reason}: ${messageOf(cause)}`;
}
