// Notices changes of the objects that are waited for. It uses the drift watch where that covers them, otherwise watches
// of its own, and it polls the objects if the account may not watch.
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type DiscoveredResource,
  isForbidden,
  isNoMatch,
  isNotFound,
  type KubeClient,
  NoMatchError,
} from '@weir/kube';
import { aborted } from './aborted.ts';
import { messageOf } from './errors.ts';
import type {
  HealthCluster,
  HealthOptions,
  HealthResult,
  TargetStatuses,
  WatchedObjects,
} from './health-types.ts';
import type { ObjectTarget } from './objects.ts';

const RETRY_MS = 1_000;
const POLL_MS = 2_000;
/**
 * The delay from the first event of a change to the read. Events often come together, and one read after a while covers
 * them all. When answers take long, the controllers of the object are slow as well, so the delay grows with the
 * latency.
 */
const READ_DELAY = { minMs: 25, maxMs: 1_000, answers: 3 };

/**
 * Keeps the statuses of all objects that are not healthy current until the signal aborts. Each promise rejects only with a
 * failure of our own, and never because of what the cluster answers.
 */
export function watchTargets(
  { client, drift }: HealthCluster,
  statuses: TargetStatuses,
  { labelSelector, signal }: Pick<HealthOptions, 'labelSelector' | 'signal'>,
): Promise<void>[] {
  const { watched = [], unwatched = [] } = Object.groupBy(statuses.open(), (target) =>
    drift.watches(target) ? 'watched' : 'unwatched',
  );
  return [
    ...watched.map((target) => readOnChange(client, target, statuses, drift, signal)),
    ...intoGroups(unwatched, labelSelector).map((group) =>
      watchGroup(client, group, statuses, signal),
    ),
  ];
}

/** Reads an object whenever a watch of its metadata has shown something newer than what was read. */
async function readOnChange(
  client: KubeClient,
  target: ObjectTarget,
  statuses: TargetStatuses,
  drift: WatchedObjects,
  signal: AbortSignal,
): Promise<void> {
  let changed = Promise.withResolvers<void>();
  const stop = drift.onObjectChange(target, () => changed.resolve());
  try {
    const group = { targets: [target] };
    const type = await untilKnown(client, group, statuses, signal);
    const { minMs, maxMs, answers } = READ_DELAY;
    let delayMs = Math.min(maxMs, Math.max(minMs, answers * client.latencyMs()));
    while (!signal.aborted) {
      if (isBehind(statuses.get(target), drift.newest(target))) {
        await readEach(client, type, group, statuses, signal);
        delayMs = Math.min(2 * delayMs, maxMs);
      } else {
        await Promise.race([changed.promise, aborted(signal)]);
        changed = Promise.withResolvers();
      }
      await sleep(delayMs, undefined, { signal });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    stop();
  }
}

/** How long the last read of a wait may take. Milliseconds. */
const CATCH_UP_MS = 2_000;

/** Reads the objects that changed too late to be read in time, so that a wait which is over ends with the true statuses. */
export async function readLatest(
  { client, drift }: HealthCluster,
  statuses: TargetStatuses,
  signal: AbortSignal,
): Promise<void> {
  const inTime = AbortSignal.any([signal, AbortSignal.timeout(CATCH_UP_MS)]);
  const behind = statuses
    .open()
    .filter(
      (target) => drift.watches(target) && isBehind(statuses.get(target), drift.newest(target)),
    );
  await Promise.all(
    behind.map(async (target) => {
      try {
        const type = await client.discovery.resourceFor(target);
        await readEach(client, type, { targets: [target] }, statuses, inTime);
      } catch (error) {
        // In that case the earlier statuses are used.
        if (!inTime.aborted && !isNoMatch(error)) throw error;
      }
    }),
  );
}

/** Whether the watch has shown a newer version than the one whose status is known, or no status is known at all. */
function isBehind(known: HealthResult | undefined, newest: bigint | undefined): boolean {
  const { status, resourceVersion } = known ?? {};
  if (newest === undefined) return status !== 'NotFound';
  return resourceVersion === undefined || newest > BigInt(resourceVersion);
}

/** Objects of one kind and namespace that one watch can cover. */
interface Group {
  targets: ObjectTarget[];
  selection: { fieldSelector: string } | { labelSelector: string };
}

/** Objects with the labels of their owner share one watch for each kind and namespace. Others are watched by name. */
function intoGroups(targets: ObjectTarget[], labelSelector: string | undefined): Group[] {
  const places = Map.groupBy(targets, ({ group, kind, namespace }) =>
    [group, kind, namespace].join('/'),
  );
  return [...places.values()].flatMap((members): Group[] =>
    labelSelector !== undefined && members.length > 1
      ? [{ targets: members, selection: { labelSelector } }]
      : members.map((target) => ({
          targets: [target],
          selection: { fieldSelector: `metadata.name=${target.name}` },
        })),
  );
}

/** Keeps a group's statuses current until the signal aborts. It throws only failures of our own. */
async function watchGroup(
  client: KubeClient,
  group: Group,
  statuses: TargetStatuses,
  signal: AbortSignal,
): Promise<void> {
  try {
    const type = await untilKnown(client, group, statuses, signal);
    if (await follow(client, type, group, statuses, signal)) return;
    for (;;) {
      await readEach(client, type, group, statuses, signal);
      await sleep(POLL_MS, undefined, { signal });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function untilKnown(
  client: KubeClient,
  { targets }: Pick<Group, 'targets'>,
  statuses: TargetStatuses,
  signal: AbortSignal,
): Promise<DiscoveredResource> {
  for (;;) {
    try {
      return await client.discovery.resourceFor(anyOf(targets));
    } catch (cause) {
      if (!isNoMatch(cause)) throw cause;
      const { group, kind } = anyOf(targets);
      const { message: error } = new NoMatchError({ group, kind });
      statuses.put(targets.map((target) => ({ target, status: 'Unknown', error })));
      await sleep(RETRY_MS, undefined, { signal });
    }
  }
}

/** Follows a watch until the signal aborts. Returns false at once where the account may not watch. */
async function follow(
  client: KubeClient,
  type: DiscoveredResource,
  { targets, selection }: Group,
  statuses: TargetStatuses,
  signal: AbortSignal,
): Promise<boolean> {
  const { namespace } = anyOf(targets);
  const missing = new Map(targets.map((target) => [target.name, target]));
  const where = type.namespaced ? { namespace } : {};
  for await (const event of client.listWatch(type, { ...where, ...selection, signal })) {
    if (event.type === 'error') {
      if (isForbidden(event.error)) return false;
    } else if (event.type === 'synced') {
      statuses.put([...missing.values()].map(notFound));
    } else if (event.type === 'deleted') {
      const { name } = event.object.metadata;
      statuses.put(targets.filter((target) => target.name === name).map(notFound));
    } else {
      missing.delete(event.object.metadata.name);
      await statuses.show([event.object]);
    }
  }
  return true;
}

/** Reads each object by itself, for accounts that may get objects and not watch them. */
async function readEach(
  client: KubeClient,
  type: DiscoveredResource,
  { targets }: Pick<Group, 'targets'>,
  statuses: TargetStatuses,
  signal: AbortSignal,
): Promise<void> {
  for (const target of targets) {
    try {
      await statuses.show([await client.get(type, target, { signal })]);
    } catch (error) {
      if (signal.aborted) throw error;
      statuses.put([
        isNotFound(error)
          ? notFound(target)
          : { target, status: 'Unknown', error: messageOf(error) },
      ]);
    }
  }
}

function notFound(target: ObjectTarget): HealthResult {
  return { target, status: 'NotFound' };
}

function anyOf(targets: ObjectTarget[]): ObjectTarget {
  const [first] = targets;
  if (first === undefined) throw new RangeError('a group of no objects');
  return first;
}
