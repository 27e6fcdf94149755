// What a system and the control plane spent while something happened.
import { join } from 'node:path';
import { type AuditEvent, until } from '@weir/cluster';
import type { Trial } from '../trial.ts';
import { profileApiserver } from './apiserver.ts';
import { now } from './clock.ts';
import { cpuBetween, processUse } from './processes.ts';
import { countRequests, lastRequestAt, type Requests, requestsOf, totalOf } from './requests.ts';

export interface Spent {
  seconds: number;
  requests: Requests;
  /** The most memory that the system held at a time, what its processes share counted once. Bytes. */
  memoryBytes: number;
  processes: Record<string, { cpuSeconds: number; peakBytes: number; childrenBytes: number }>;
}

export interface Window<T> {
  result: T;
  spent: Spent;
  /** When the system last asked for something, in ms since 1970; undefined when it never did. */
  lastRequestAt: number | undefined;
}

export interface WindowOptions {
  /** Has the start of it profiled where profiles are asked for. */
  name?: string;
  /**
   * How long nothing but Leases may be asked for until the work counts as done: events and last status writes
   * follow what one waits for. 0 to end with the work. Milliseconds; a second if not given.
   */
  quietMs?: number;
  /** Whose requests count for that; everybody's unless given. */
  clients?: readonly string[];
}

const QUIET_MS = 1_000;
const QUIET_TIMEOUT_MS = 15 * 60_000;

/** Runs `work` and gives its result with what was spent on it. */
export async function spentOn<T>(
  { ground, system, memory, profiles }: Trial,
  work: () => Promise<T>,
  { quietMs = QUIET_MS, clients, name }: WindowOptions = {},
): Promise<Window<T>> {
  const { cluster } = ground;
  const pids = () => ({ ...system.pids(), ...cluster.pids() });
  const seen = (await cluster.audit()).length;
  const newEvents = async () => (await cluster.audit()).slice(seen);
  memory.reset();
  const profiled =
    name && profiles ? profileApiserver(cluster, join(profiles, `${name}.pprof`)) : null;
  const before = await processUse(pids());
  const startedAt = now();
  const [result] = await Promise.all([work(), profiled]);
  if (quietMs > 0) await untilQuiet(newEvents, quietMs, clients);
  const seconds = (now() - startedAt) / 1_000;
  const cpu = cpuBetween(before, await processUse(pids()));
  const peaks = await memory.peaks();
  const events = await newEvents();
  const processes = Object.entries(cpu).map(([name, cpuSeconds]) => [
    name,
    { cpuSeconds, ...(peaks.processes[name] ?? { peakBytes: 0, childrenBytes: 0 }) },
  ]);
  return {
    result,
    spent: {
      seconds,
      requests: countRequests(events),
      memoryBytes: peaks.systemBytes,
      processes: Object.fromEntries(processes),
    },
    lastRequestAt: lastRequestAt(events, system.clients),
  };
}

async function untilQuiet(
  newEvents: () => Promise<AuditEvent[]>,
  intervalMs: number,
  clients: readonly string[] | undefined,
): Promise<void> {
  let last = -1;
  await until(
    async () => {
      const requests = countRequests(await newEvents());
      const total = totalOf(requestsOf(requests, clients ?? Object.keys(requests)));
      const quiet = total === last;
      last = total;
      return quiet;
    },
    { timeoutMs: QUIET_TIMEOUT_MS, intervalMs, message: 'the API server to be left alone' },
  );
}
