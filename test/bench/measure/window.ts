// What a system and the control plane used while a piece of work was done: CPU time, memory and requests.
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
  /** The largest memory use of the system, in bytes. Pages that its processes share count once. */
  memoryBytes: number;
  processes: Record<string, { cpuSeconds: number; peakBytes: number; childrenBytes: number }>;
}

export interface Window<T> {
  result: T;
  spent: Spent;
  /** When the system sent its last request, in ms since 1970; undefined when it sent none. */
  lastRequestAt: number | undefined;
}

export interface WindowOptions {
  /** The name of the profile of the API server that is written where profiles are wanted. */
  name?: string;
  /**
   * The work counts as done when no requests other than for Leases came for this long, because events and last status
   * writes follow what was waited for. In ms; 1 000 unless given, 0 to end with the work.
   */
  quietMs?: number;
  /** The clients whose requests count for that; all unless given. */
  clients?: readonly string[];
}

const QUIET_MS = 1_000;
const QUIET_TIMEOUT_MS = 15 * 60_000;

/** Runs `work` and returns its result with what was used for it. */
export async function spentOn<T>(
  { environment, system, memory, profiles }: Trial,
  work: () => Promise<T>,
  { quietMs = QUIET_MS, clients, name }: WindowOptions = {},
): Promise<Window<T>> {
  const { cluster } = environment;
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
