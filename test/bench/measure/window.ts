// What a system and the control plane spent while something happened.
import { until } from '@weir/cluster';
import type { Ground } from '../ground.ts';
import type { RunningSystem } from '../system.ts';
import { type ProcessUse, processUse, useBetween } from './processes.ts';
import { countRequests, type Requests, totalOf } from './requests.ts';

export interface Spent {
  requests: Requests;
  processes: Record<string, ProcessUse>;
}

/** How long nothing but Leases may be asked for until the work counts as done. */
const QUIET_MS = 1_000;
const QUIET_TIMEOUT_MS = 30_000;

/**
 * Runs `work` and gives its result with what was spent on it. The end is when the API server has been left
 * alone for a second: events and last status writes follow what one waits for.
 */
export async function spentOn<T>(
  { ground, system }: { ground: Ground; system: RunningSystem },
  work: () => Promise<T>,
): Promise<{ result: T; spent: Spent }> {
  const pids = () => ({ ...system.pids(), ...ground.cluster.pids() });
  const seen = (await ground.cluster.audit()).length;
  const before = await processUse(pids());
  const result = await work();
  const requests = await afterwards(ground, seen);
  const processes = useBetween(before, await processUse(pids()));
  return { result, spent: { requests, processes } };
}

async function afterwards({ cluster }: Ground, seen: number): Promise<Requests> {
  let last = -1;
  return until(
    async () => {
      const requests = countRequests((await cluster.audit()).slice(seen));
      const total = Object.values(requests).reduce(
        (sum, { lease = 0, ...verbs }) => sum + totalOf(verbs),
        0,
      );
      const quiet = total === last;
      last = total;
      return quiet && requests;
    },
    {
      timeoutMs: QUIET_TIMEOUT_MS,
      intervalMs: QUIET_MS,
      message: 'the API server to be left alone',
    },
  );
}
