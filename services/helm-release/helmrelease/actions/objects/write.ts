// How Helm writes one object (pkg/kube/client.go), in its three ways. Errors are in Helm's words, without values of Secrets.
import {
  applyObject,
  fromUpdatesToApply,
  type PlacedObject,
  takeOver,
  withoutSecrets,
} from '@weir/apply';
import { isApiError, isConflict, type KubeClient, type KubeObject } from '@weir/kube';
import type { HelmMergePatch } from '@weir/render';
import { CONTROLLER } from '../../names.ts';
import { messageOf } from '../action-run.ts';
import { kindText, placeText } from './place.ts';

export interface ObjectWriter {
  client: KubeClient;
  /** Called before each write; throws to stop it. */
  guard(): void;
  signal: AbortSignal;
}

const ATTEMPTS = 5;

/** Server-side apply. With `live`, fields that were written by client-side applies are handed over first. */
export async function applyServerSide(
  { client, guard, signal }: ObjectWriter,
  placed: PlacedObject,
  { force, live }: { force: boolean; live?: KubeObject | undefined },
): Promise<KubeObject> {
  const how = { fieldManager: CONTROLLER, guard, signal };
  if (live !== undefined) {
    const operations = (now: KubeObject) => fromUpdatesToApply(now, CONTROLLER);
    await worded(
      placed,
      `failed to patch object to upgrade CSA field manager ${naming(placed)}`,
      () => takeOver(client, placed, { ...how, first: operations(live), operations }),
    );
  }
  try {
    return await retried(isQuotaConflict, () =>
      applyObject(client, placed, { ...how, force, fieldValidation: 'Strict' }),
    );
  } catch (error) {
    const what = isConflict(error)
      ? 'conflict occurred while applying object'
      : 'server-side apply failed for object';
    throw inWords(placed, `${what} ${naming(placed)}`, error);
  }
}

/** The create of a client-side apply. */
export async function createObject(
  { client, guard, signal }: ObjectWriter,
  placed: PlacedObject,
): Promise<KubeObject> {
  const { object, type } = placed;
  return worded(placed, undefined, () =>
    retried(isConflict, () => {
      guard();
      return client.create(type, object, { fieldManager: CONTROLLER, signal });
    }),
  );
}

/** The update of a client-side apply. Returns the live object where the patch is empty. */
export async function patchObject(
  { client, guard, signal }: ObjectWriter,
  placed: PlacedObject,
  { type: contentType, patch }: HelmMergePatch,
  live: KubeObject,
): Promise<KubeObject> {
  if (patch === '{}' || patch === '') return live;
  const { object, type } = placed;
  const kind = contentType === 'application/merge-patch+json' ? 'merge' : 'strategic';
  const { name } = object.metadata;
  return worded(placed, `cannot patch ${JSON.stringify(name)} with kind ${type.kind}`, () => {
    guard();
    const body: unknown = JSON.parse(patch);
    return client.patch(type, object.metadata, body, { kind, fieldManager: CONTROLLER, signal });
  });
}

/** The update of `force`: the whole object is replaced. */
export async function replaceObject(
  { client, guard, signal }: ObjectWriter,
  placed: PlacedObject,
  live: KubeObject,
): Promise<KubeObject> {
  const { object, type } = placed;
  const { resourceVersion = '' } = live.metadata;
  return worded(placed, 'failed to replace object', () => {
    guard();
    return client.replace(
      type,
      { ...object, metadata: { ...object.metadata, resourceVersion } },
      { fieldManager: CONTROLLER, fieldValidation: 'Strict', signal },
    );
  });
}

function naming(placed: PlacedObject): string {
  return `${placeText(placed)} ${kindText(placed)}`;
}

async function worded<T>(
  placed: PlacedObject,
  what: string | undefined,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw inWords(placed, what, error);
  }
}

/** The failure in Helm's words, with the API server's behind them. What isn't the API server's stays as it is. */
function inWords({ object }: PlacedObject, what: string | undefined, cause: unknown): unknown {
  if (!isApiError(cause)) return cause;
  const message = what === undefined ? messageOf(cause) : `${what}: ${messageOf(cause)}`;
  return new Error(withoutSecrets(object, message), { cause });
}

/** Repeats what failed because somebody else wrote at the same time, as client-go's default retry does. */
async function retried<T>(
  isRetryable: (error: unknown) => boolean,
  work: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!isRetryable(error) || attempt === ATTEMPTS) throw error;
    }
  }
}

/** The admission of ResourceQuotas counts with optimistic locking, and loses against other creates at times. */
function isQuotaConflict(error: unknown): boolean {
  return isConflict(error) && messageOf(error).includes('on resourcequotas');
}
