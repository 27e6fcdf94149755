// Decides what to do about one object, without changing anything.
import {
  type DiscoveredResource,
  isAlreadyExists,
  isApiError,
  isConflict,
  isImmutable,
  isInvalid,
  isNotFound,
  type KubeClient,
  type KubeObject,
} from '@weir/kube';
import type { Action } from './changes.ts';
import { differs, isSameVersion, wouldCreate } from './diff.ts';
import { DryRunError, messageOf, NamespaceMissingError } from './errors.ts';
import { withExemptions, withoutFields } from './exempt.ts';
import {
  type JsonPatchOperation,
  type ManagerRule,
  migration,
  takeover,
} from './field-managers.ts';
import type { Owner } from './labels.ts';
import {
  isMarked,
  type ObjectId,
  type ObjectTarget,
  subjectOfObject,
  targetOf,
} from './objects.ts';
import { type PlacedObject, placeObject } from './place.ts';

export interface PlanOptions {
  owner: Owner;
  rules: readonly ManagerRule[];
  force: boolean;
  /** The UID of an object that is certainly as this manifest was applied. No request is sent for such an object. */
  intact?: ((desired: KubeObject) => string | undefined) | undefined;
  /** True for objects that exist for certain. They are read while the dry-run is under way. */
  expected(id: ObjectId): boolean;
  /** JSON pointers of the fields that are left to others. */
  exempt?: ((object: KubeObject) => Promise<string[]>) | undefined;
  /** Before the dry-run, change all records in managedFields to the version that is applied. */
  migrateVersion?: boolean | undefined;
  /** Called before a migration writes; throws to stop it. */
  guard(): void;
  signal: AbortSignal;
}

export interface Plan {
  /** The object of the manifest, with its namespace. */
  desired: KubeObject;
  /** The object as it will be sent. */
  object: KubeObject;
  target: ObjectTarget;
  /** Absent where no request was needed. */
  type?: DiscoveredResource;
  action: Action;
  /** `recreate` means that an immutable field changes, and that force is on. */
  write: 'none' | 'apply' | 'recreate';
  takeover: JsonPatchOperation[];
  live?: KubeObject;
  /** The UID of an object for which no request was needed. */
  intact?: string;
  /** The API server's answer to the dry-run: the object as it would be. */
  merged?: KubeObject;
}

/**
 * Dry-runs one object and returns what to do about it. Throws DryRunError with the API server's reason, or
 * NamespaceMissingError.
 */
export async function planObject(
  client: KubeClient,
  desired: KubeObject,
  options: PlanOptions,
): Promise<Plan> {
  const { owner, signal } = options;
  if (isMarked(desired, leftAlone(owner))) return skipped(desired, undefined);
  const { object, type } = await place(client, desired);
  const intact = options.intact?.(object);
  if (intact !== undefined) return unasked(object, type, intact);
  const read = () => readLive(client, type, object, signal);
  const dryRun = () =>
    client.apply(type, object, {
      fieldManager: owner.fieldManager,
      force: true,
      dryRun: true,
      signal,
    });

  if (isMarked(object, { [`${owner.group}/ssa`]: 'IfNotPresent' })) {
    const live = await read();
    if (live !== undefined) return skipped(object, live);
  }
  let migrated = false;
  if (options.migrateVersion) {
    const live = await read();
    if (live !== undefined && isMarked(live, leftAlone(owner))) return skipped(object, live);
    migrated = live !== undefined && (await migrate(client, { object, type, live }, options));
  }
  for (let attempt = 1; ; attempt++) {
    const [early, answer] = await Promise.all([
      attempt === 1 && options.expected(targetOf(object)) ? settled(read()) : undefined,
      settled(dryRun()),
    ]);
    if ('error' in answer) {
      const { error } = answer;
      const found = early ?? (isApiError(error) ? await settled(read()) : { value: undefined });
      // The error of the dry-run is reported, also where reading the object has failed as well.
      const live = 'error' in found ? undefined : found.value;
      return refused(client, { object, type, error }, live, options);
    }
    const merged = answer.value;
    const compared = { object, type, merged, migrated };
    if (wouldCreate(merged)) return accepted(compared, undefined, options);
    const found = early ?? (await settled(read()));
    if ('error' in found) throw new DryRunError(object, found.error);
    if (isSameVersion(found.value, merged) || attempt >= COMPARISON_ATTEMPTS) {
      return accepted(compared, found.value, options);
    }
  }
}

/**
 * How often an object is dry-run and read until both answers are about the same version. Answers about different versions
 * would show what somebody else wrote in between as a change of ours, or hide one.
 */
export const COMPARISON_ATTEMPTS = 3;

const MIGRATION_ATTEMPTS = 5;

/**
 * A record of fields under an older version can make the API server refuse an apply, when the newer one has fields with
 * defaults that the older lacks. Resolves with whether there was anything to migrate.
 */
async function migrate(
  client: KubeClient,
  { object, type, live }: { object: KubeObject; type: DiscoveredResource; live: KubeObject },
  options: PlanOptions,
  attempt = 1,
): Promise<boolean> {
  const { owner, guard, signal } = options;
  const operations = migration(live, object.apiVersion);
  if (operations.length === 0) return false;
  try {
    guard();
    const { fieldManager } = owner;
    await client.patch(type, object.metadata, operations, { kind: 'json', fieldManager, signal });
    return true;
  } catch (cause) {
    if (isConflict(cause) && attempt < MIGRATION_ATTEMPTS) {
      const again = await readLive(client, type, object, signal);
      return (
        again !== undefined && migrate(client, { object, type, live: again }, options, attempt + 1)
      );
    }
    const step = `failed to migrate managed fields API version to ${object.apiVersion}`;
    const subject = `${subjectOfObject(object)} failed to migrate API version`;
    throw new Error(`${subject}: ${step}: ${messageOf(cause)}`, { cause });
  }
}

type Settled<T> = { value: T } | { error: unknown };

function settled<T>(work: Promise<T>): Promise<Settled<T>> {
  return work.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
}

/** Labels or annotations with which a user excludes an object from the apply, in the manifest or in the cluster. */
export function leftAlone({ group }: Pick<Owner, 'group'>): Record<string, string> {
  return { [`${group}/reconcile`]: 'disabled', [`${group}/ssa`]: 'Ignore' };
}

async function accepted(
  found: { object: KubeObject; type: DiscoveredResource; merged: KubeObject; migrated: boolean },
  live: KubeObject | undefined,
  { owner, rules, exempt }: PlanOptions,
): Promise<Plan> {
  const { object, type, merged, migrated } = found;
  const target = targetOf(object);
  if (live === undefined) {
    const action = 'created';
    return { desired: object, object, type, merged, target, action, write: 'apply', takeover: [] };
  }
  if (isMarked(live, leftAlone(owner))) return skipped(object, live);
  const shared = { [`${owner.group}/ssa`]: 'Merge' };
  const taken =
    isMarked(object, shared) || isMarked(live, shared)
      ? []
      : takeover(live, owner.fieldManager, rules);
  // The ignore rules are evaluated only if something differs at all.
  const exemptions = differs(live, merged) ? ((await exempt?.(merged)) ?? []) : [];
  const differing = differs(withoutFields(live, exemptions), withoutFields(merged, exemptions));
  const plan = { desired: object, type, target, live, takeover: taken };
  if (!migrated && taken.length === 0 && !differing) {
    // The plan keeps the live object and not the answer to the dry-run, because nothing will be written.
    return { ...plan, object, action: 'unchanged', write: 'none' };
  }
  const { fieldManager } = owner;
  const payload =
    exemptions.length === 0
      ? object
      : withExemptions(object, exemptions, { live, merged, fieldManager, rules });
  return { ...plan, object: payload, merged, action: 'configured', write: 'apply' };
}

async function refused(
  client: KubeClient,
  { object, type, error }: { object: KubeObject; type: DiscoveredResource; error: unknown },
  live: KubeObject | undefined,
  options: PlanOptions,
): Promise<Plan> {
  const { owner, force, signal } = options;
  if (live !== undefined && isMarked(live, leftAlone(owner))) return skipped(object, live);
  const marker = { [`${owner.group}/force`]: 'enabled' };
  const forced = force || isMarked(object, marker) || isMarked(live, marker);
  const mayBeImmutable = isImmutable(error) || isInvalid(error) || isConflict(error);
  if (live !== undefined && forced && mayBeImmutable) {
    if (await canBeCreated(client, type, object, signal)) {
      const target = targetOf(object);
      const plan = { desired: object, object, target, type, live, takeover: [] };
      return { ...plan, action: 'created', write: 'recreate' };
    }
  }
  throw new DryRunError(object, error);
}

/**
 * Whether the refusal comes only from the object that exists. The API server validates a create before it checks the
 * name, so nothing is deleted for an object that could not be created again.
 */
async function canBeCreated(
  client: KubeClient,
  type: DiscoveredResource,
  object: KubeObject,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await client.create(type, object, { dryRun: true, signal });
    return true;
  } catch (error) {
    if (isAlreadyExists(error)) return true;
    if (isApiError(error)) return false;
    throw error;
  }
}

function unasked(object: KubeObject, type: DiscoveredResource, intact: string): Plan {
  const target = targetOf(object);
  const plan = { desired: object, object, type, target, intact, takeover: [] };
  return { ...plan, action: 'unchanged', write: 'none' };
}

function skipped(object: KubeObject, live: KubeObject | undefined): Plan {
  const target = targetOf(live ?? object);
  return {
    desired: object,
    object,
    target,
    action: 'skipped',
    write: 'none',
    takeover: [],
    ...(live === undefined ? {} : { live }),
  };
}

/** The object in its place; a kind that isn't served and a namespace that isn't given are failures of the dry-run. */
async function place(client: KubeClient, desired: KubeObject): Promise<PlacedObject> {
  const placed = await placeObject(client, desired, undefined).catch((error: unknown) => {
    throw new DryRunError(desired, error);
  });
  if (placed.type.namespaced && !placed.object.metadata.namespace) {
    throw new NamespaceMissingError(desired);
  }
  return placed;
}

export async function readLive(
  client: KubeClient,
  type: DiscoveredResource,
  object: KubeObject,
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  try {
    return await client.get(type, object.metadata, { signal });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
