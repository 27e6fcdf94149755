// Writes one object according to its plan.
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type DiscoveredResource,
  isConflict,
  isNotFound,
  type KubeClient,
  type KubeObject,
} from '@weir/kube';
import { messageOf } from './errors.ts';
import { type JsonPatchOperation, type ManagerRule, takeover } from './field-managers.ts';
import type { Owner } from './labels.ts';
import { subjectOf } from './objects.ts';
import type { PlacedObject } from './place.ts';
import { type Plan, readLive } from './plan.ts';

export interface WriteOptions {
  owner: Owner;
  rules: readonly ManagerRule[];
  /** Called before each request that changes something; throws to stop it. */
  guard(): void;
  /** How long to wait for a deleted object to be gone. Milliseconds. */
  waitTimeoutMs: number;
  signal: AbortSignal;
}

const TAKEOVER_ATTEMPTS = 5;
const GONE_POLL_MS = 100;

/** Carries out the plan and returns the object after it. Errors name the object and the step. */
export async function carryOut(
  client: KubeClient,
  plan: Plan & { type: DiscoveredResource },
  options: WriteOptions,
): Promise<KubeObject> {
  const subject = subjectOf(plan.target);
  if (plan.write === 'recreate') await remove(client, plan, options);
  const { owner, rules } = options;
  const how = { ...options, fieldManager: owner.fieldManager };
  if (plan.takeover.length > 0) {
    await step(`${subject} metadata.managedFields cleanup failed`, () =>
      takeOver(client, plan, {
        ...how,
        first: plan.takeover,
        operations: (live) => takeover(live, owner.fieldManager, rules),
      }),
    );
  }
  return step(`${subject} apply failed`, () => applyObject(client, plan, how));
}

export interface ObjectWriteOptions {
  fieldManager: string;
  /** Called before each request that changes something; throws to stop it. */
  guard(): void;
  /** Whether to take fields over from other managers; true when not given. */
  force?: boolean;
  fieldValidation?: 'Ignore' | 'Warn' | 'Strict';
  signal: AbortSignal;
}

/** Applies an object server-side. Returns the object after it. */
export async function applyObject(
  client: KubeClient,
  { object, type }: PlacedObject,
  { fieldManager, guard, force = true, fieldValidation, signal }: ObjectWriteOptions,
): Promise<KubeObject> {
  guard();
  const validation = fieldValidation === undefined ? {} : { fieldValidation };
  return client.apply(type, object, { fieldManager, force, ...validation, signal });
}

export interface TakeoverOptions extends Omit<ObjectWriteOptions, 'fieldValidation' | 'force'> {
  /** The operations for the object as it was read. */
  first: readonly JsonPatchOperation[];
  /** Computes the operations again, for an object that somebody has written since. None are needed any more when it is empty. */
  operations(live: KubeObject): JsonPatchOperation[];
}

/** Changes who owns which fields of an object, before it is applied. */
export async function takeOver(
  client: KubeClient,
  { object, type }: PlacedObject,
  { first, operations: remade, fieldManager, guard, signal }: TakeoverOptions,
): Promise<void> {
  let operations = first;
  for (let attempt = 1; operations.length > 0; attempt++) {
    try {
      guard();
      await client.patch(type, object.metadata, operations, { kind: 'json', fieldManager, signal });
      return;
    } catch (error) {
      if (!isConflict(error) || attempt === TAKEOVER_ATTEMPTS) throw error;
      const live = await readLive(client, type, object, signal);
      operations = live === undefined ? [] : remade(live);
    }
  }
}

/** Deletes the object whose immutable fields have to change, and waits until it is gone. */
async function remove(
  client: KubeClient,
  { object, type, live, target }: Plan & { type: DiscoveredResource },
  { guard, signal, waitTimeoutMs }: WriteOptions,
): Promise<void> {
  const { uid } = live?.metadata ?? {};
  const what = `${subjectOf(target)} immutable field detected`;
  await step(`${what}, failed to delete object`, async () => {
    guard();
    await client
      .delete(type, object.metadata, {
        ...(uid === undefined ? {} : { uid }),
        propagationPolicy: 'Background',
        signal,
      })
      .catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
  });
  await step(`${what}, failed to wait for object to be deleted`, async () => {
    const deadline = performance.now() + waitTimeoutMs;
    for (;;) {
      const left = await readLive(client, type, object, signal);
      if (left === undefined || left.metadata.uid !== uid) return;
      if (performance.now() > deadline) {
        const { finalizers = [] } = left.metadata;
        throw new Error(`still there after ${waitTimeoutMs} ms, finalizers: ${finalizers}`);
      }
      await sleep(GONE_POLL_MS, undefined, { signal });
    }
  });
}

async function step<T>(failure: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    throw new Error(`${failure}: ${messageOf(cause)}`, { cause });
  }
}
