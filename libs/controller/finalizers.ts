// Finalizers keep a deleted object in the API server until its controller has cleaned up after it.
import {
  isConflict,
  isNotFound,
  type KubeClient,
  type KubeObject,
  type ResourceType,
} from '@weir/kube';
import type { Informer } from './informer.ts';

export interface FinalizerOptions<T extends KubeObject> {
  fieldManager?: string;
  informer?: Pick<Informer<T>, 'observe'>;
  /** Called before each write. */
  guard?(): void;
}

const MAX_CONFLICTS = 5;

/**
 * Adds the finalizer unless the object has it, and returns the object as it is then. Rejects with NotFound when the
 * object no longer exists, and with what `guard` throws.
 */
export function addFinalizer<T extends KubeObject>(
  client: KubeClient,
  kind: ResourceType,
  object: T,
  name: string,
  options: FinalizerOptions<T> = {},
): Promise<T> {
  return change(client, kind, object, options, (finalizers) =>
    finalizers.includes(name) ? finalizers : [...finalizers, name],
  );
}

/** Removes the finalizer and returns the object as it is then. An object that no longer exists is no error. */
export async function removeFinalizer<T extends KubeObject>(
  client: KubeClient,
  kind: ResourceType,
  object: T,
  name: string,
  options: FinalizerOptions<T> = {},
): Promise<T> {
  const without = (finalizers: readonly string[]) =>
    finalizers.includes(name) ? finalizers.filter((one) => one !== name) : finalizers;
  try {
    return await change(client, kind, object, options, without);
  } catch (error) {
    if (isNotFound(error)) return object;
    throw error;
  }
}

/** A merge patch replaces the whole list of finalizers, so it names the resourceVersion that the list was read from. */
async function change<T extends KubeObject>(
  client: KubeClient,
  kind: ResourceType,
  object: T,
  { fieldManager = 'weir', informer, guard }: FinalizerOptions<T>,
  next: (finalizers: readonly string[]) => readonly string[],
): Promise<T> {
  const { namespace, name, uid } = object.metadata;
  const ref = namespace === undefined ? { name } : { namespace, name };
  let latest = object;
  for (let conflicts = 0; ; conflicts += 1) {
    const had = latest.metadata.finalizers ?? [];
    const finalizers = next(had);
    if (finalizers === had || latest.metadata.uid !== uid) return latest;
    guard?.();
    const { resourceVersion } = latest.metadata;
    try {
      const body = { metadata: { uid, resourceVersion, finalizers } };
      const changed = await client.patch<T>(kind, ref, body, { kind: 'merge', fieldManager });
      informer?.observe(changed);
      return changed;
    } catch (error) {
      if (!isConflict(error) || conflicts >= MAX_CONFLICTS) throw error;
      latest = await client.get<T>(kind, ref);
    }
  }
}
