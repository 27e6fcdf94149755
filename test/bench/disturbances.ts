// Edits and deletions of the apps' objects by hand, at random times but the same for every system, and how long each of them
// stays.
import { setTimeout as delay } from 'node:timers/promises';
import { randomFrom } from '@weir/chaos/random.ts';
import type { KubeObject } from '@weir/kube';
import { APP_KINDS, type AppKind } from './app.ts';
import { EDITS, type Edit } from './edits.ts';
import { now } from './measure/clock.ts';
import { type Following, follow } from './measure/follow.ts';
import type { Trial } from './trial.ts';

export const EDIT_COUNT = 100;
/** The time over which the edits are spread, in ms. */
const SPREAD_MS = 10_000;
const TIMEOUT_MS = 30 * 60_000;
const SEED = 7;

/** Edits and deletes objects of these apps, and returns for each how long it took until it was restored, in ms. */
export async function disturbApps(trial: Trial, names: readonly string[]): Promise<number[]> {
  const { client, namespace } = trial.environment;
  const following = Object.entries(APP_KINDS).map(
    ([kind, type]) => [kind as AppKind, follow(client, type, namespace)] as const,
  );
  const objects = new Map(following);
  try {
    return await Promise.all(planOf(names).map((step) => disturb(trial, step, objects)));
  } finally {
    await Promise.all([...objects.values()].map((each) => each.close()));
  }
}

interface Disturbance {
  name: string;
  kind: AppKind;
  /** The edit; undefined for a deletion. */
  edit: Edit | undefined;
  atMs: number;
}

/** The edits and deletions with their times, the same for every system. Each object is disturbed at most once. */
function planOf(names: readonly string[]): Disturbance[] {
  const random = randomFrom(SEED);
  const kinds = Object.keys(APP_KINDS) as AppKind[];
  const all = names.flatMap((name) => kinds.map((kind) => ({ name, kind, order: random() })));
  return all
    .toSorted((a, b) => a.order - b.order)
    .slice(0, EDIT_COUNT)
    .map(({ name, kind }) => ({
      name,
      kind,
      edit: random() < 0.5 ? EDITS[kind] : undefined,
      atMs: random() * SPREAD_MS,
    }));
}

/** Edits or deletes an object at its time, and returns how long it took until the object was restored, in ms. */
async function disturb(
  { environment: { client, namespace } }: Trial,
  { name, kind, edit, atMs }: Disturbance,
  following: ReadonlyMap<AppKind, Following<KubeObject>>,
): Promise<number> {
  await delay(atMs);
  const type = APP_KINDS[kind];
  const ref = { namespace, name };
  const before = await client.get(type, ref);
  const startedAt = now();
  let isBack: (object: KubeObject) => boolean;
  if (edit) {
    const changed = await client.patch(type, ref, edit.patch, {
      kind: 'json',
      fieldManager: 'by-hand',
    });
    const wanted = JSON.stringify(edit.field(before));
    isBack = (object) =>
      versionOf(object) > versionOf(changed) && JSON.stringify(edit.field(object)) === wanted;
  } else {
    await client.delete(type, ref);
    isBack = (object) => object.metadata.uid !== before.metadata.uid;
  }
  const backAt = await following.get(kind)?.when(
    (objects) => {
      const object = objects.get(name);
      return object !== undefined && isBack(object);
    },
    { timeoutMs: TIMEOUT_MS, message: `${kind} ${name} to be put back` },
  );
  return (backAt ?? Number.NaN) - startedAt;
}

/** The resourceVersions of one kind are growing numbers (KEP-5504). */
function versionOf({ metadata }: KubeObject): bigint {
  return BigInt(metadata.resourceVersion ?? 0);
}
