import { findCondition, READY } from '@weir/api';
import { createBoundedMap, createLimit } from '@weir/async';
import type { WorkQueue } from '@weir/bus';
import { isNoMatch, isNotFound, type KubeClient } from '@weir/kube';
import { CHECK_MS } from './due.ts';
import type { Groups } from './groups.ts';
import { eventOfFailure, type Failure, type Group, parseFailure } from './record.ts';

/**
 * Removes objects from a group that have recovered without an event, or that are gone: not every object that recovers
 * publishes one. Asks at most every few minutes for a group. `members` are subjects.
 */
export type FindRecovered = (
  subject: string,
  group: Group,
  members: readonly string[],
) => Promise<void>;

/** Objects that are read at a time, of all tenants, and for a group. */
const CONCURRENCY = 2;
const CHECKED = 20;
const MAX_GROUPS = 10_000;

export function createFindRecovered(options: {
  client: KubeClient;
  queue: Pick<WorkQueue, 'newest'>;
  groups: Pick<Groups, 'recovered'>;
  now?: () => number;
}): FindRecovered {
  const { client, queue, groups, now = () => performance.now() } = options;
  const checked = createBoundedMap<string, { atMs: number; next: number }>({ max: MAX_GROUPS });
  const limit = createLimit(CONCURRENCY);

  async function hasRecovered({ object }: Failure): Promise<boolean> {
    const { apiVersion, kind, namespace, name } = object;
    try {
      const type = await client.discovery.resourceForKind(apiVersion, kind);
      const found = await client.get(type, { namespace, name });
      const { conditions } = (found.status ?? {}) as { conditions?: [] };
      return findCondition(conditions, READY)?.status === 'True';
    } catch (error) {
      if (isNotFound(error) || isNoMatch(error)) return true;
      throw error;
    }
  }

  return async (subject, group, members) => {
    const atMs = now();
    const before = checked.get(subject);
    if (before === undefined) checked.set(subject, { atMs, next: 0 });
    if (before === undefined || atMs - before.atMs < CHECK_MS) return;
    // It starts with other objects each time, if there are more of them.
    const from = before.next < members.length ? before.next : 0;
    checked.set(subject, { atMs, next: from + CHECKED });
    for (const member of members.slice(from, from + CHECKED)) {
      const failure = parseFailure((await queue.newest(member))?.event?.data);
      if (failure === undefined || !(await limit(() => hasRecovered(failure)))) continue;
      await groups.recovered({ alert: group.alert, event: eventOfFailure(failure) });
    }
  };
}
