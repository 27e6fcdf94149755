import { availableParallelism } from 'node:os';
import type { Logger } from '@weir/telemetry';
import { engineBinary } from './binary.ts';
import { LARGE_CHART_OPERATIONS } from './charts.ts';
import { LARGE_HELM_OPERATIONS } from './helmoperations.ts';
import { abortError, closedError, createJob } from './job.ts';
import { defaultEngineMemory, QUICK_ENGINES, shareMemory } from './memory.ts';
import { type Operations, operations } from './operations.ts';
import { createQueue, type QueueOptions } from './queue.ts';
import type { Send } from './send.ts';

export interface PoolOptions {
  /**
   * The maximum number of builds that run at the same time, besides one that takes long or needs much memory; the
   * number of CPUs, at most 4, unless given. Other operations don't wait for builds.
   */
  size?: number | undefined;
  /** Path of the engine's binary; `WEIR_ENGINE`, or one built from source, unless given. */
  engine?: string;
  /** The memory of all engines together, in bytes; half of what the container may take, at most 1 GiB, unless given. */
  memoryLimitBytes?: number | undefined;
  /** The limit for an unpacked artifact, in bytes; 256 MiB unless given. Half of it is the limit for the packed one. */
  artifactLimitBytes?: number;
  /** The default time limit of a build, in ms; 60,000 unless given. */
  timeoutMs?: number;
  /**
   * How long a build may delay other tenants, in ms; 2,000 unless given. After that it is ended, and runs again in the
   * queue for builds that take long.
   */
  patienceMs?: number;
  /** Time after which an engine without work is stopped, in ms; 5 minutes unless given. */
  idleMs?: number;
  log: Logger;
}

/** Starts, shares, watches and replaces render engines as requests require. */
export interface RenderPool extends Operations {
  /** The process ids of the engines that run. */
  pids(): number[];
  /** Rejects the requests that wait or run with reason `Closed`, stops the engines and waits until they have ended. */
  close(): Promise<void>;
}

const MIB = 1024 ** 2;

/** How long an operation other than a build may delay other tenants, in ms. Most take 1 ms. */
const QUICK_PATIENCE_MS = 250;

/** How long a request waits before another engine is started for it, in ms: less than a start takes. */
const ANOTHER_AFTER_MS = 20;

/** In the queues for long jobs, a job may delay others this many times as long. */
const SLOW_PATIENCE = 4;

/** The operations that wait in the queue of builds: each may take seconds, and much memory. */
const LARGE_OPERATIONS = new Set(['build', ...LARGE_CHART_OPERATIONS, ...LARGE_HELM_OPERATIONS]);

/** The default time limit of an operation other than a build, in ms. It is short, as callers should not wait long. */
const QUICK_TIMEOUT_MS = 10_000;

/**
 * Opens a pool; the first call on a machine may build the engine. Engines start on demand.
 * Rejects with a GoBuildError when there is no engine and none can be built.
 */
export async function createPool(options: PoolOptions): Promise<RenderPool> {
  const { log, idleMs = 300_000, timeoutMs = 60_000, patienceMs = 2_000 } = options;
  const { memoryLimitBytes = defaultEngineMemory(), artifactLimitBytes = 256 * MIB } = options;
  const binary = options.engine ?? (await engineBinary(log));
  const profiles = process.env.WEIR_ENGINE_PROFILES;
  const wanted = options.size ?? Math.min(availableParallelism(), 4);
  const memory = shareMemory(memoryLimitBytes, wanted);
  if (memory.builds < wanted) {
    const { builds } = memory;
    log.info({ builds, wanted, memoryLimitBytes }, 'fewer builds at a time, for want of memory');
  }
  const queue = (
    limitBytes: number,
    more: Omit<QueueOptions, 'engine' | 'idleMs' | 'anotherAfterMs'>,
  ) =>
    createQueue({
      engine: { binary, memoryLimitBytes: limitBytes, artifactLimitBytes, profiles, log },
      ...{ idleMs, anotherAfterMs: ANOTHER_AFTER_MS },
      ...more,
    });
  const slow = queue(memory.slow, {
    engines: 1,
    patienceMs: SLOW_PATIENCE * QUICK_PATIENCE_MS,
  });
  const quick = queue(memory.quick, {
    engines: QUICK_ENGINES,
    enginesPerTenant: QUICK_ENGINES - 1,
    patienceMs: QUICK_PATIENCE_MS,
    overflow: slow,
  });
  const large = queue(memory.large, { engines: 1, patienceMs: SLOW_PATIENCE * patienceMs });
  const builds = queue(memory.build, {
    engines: memory.builds,
    patienceMs,
    overflow: large,
  });
  const queues = [quick, slow, builds, large];
  let closed = false;

  const send: Send = (op, body, options, profile = op) => {
    const { signal, tenant, timeoutMs: limit, callbacks } = options;
    const isBuild = LARGE_OPERATIONS.has(op);
    const { job, promise } = createJob({
      ...{ op, body, tenant, callbacks },
      timeoutMs: limit ?? (isBuild ? timeoutMs : QUICK_TIMEOUT_MS),
      profile: JSON.stringify([profile, tenant]),
    });
    if (closed) job.reject(closedError());
    else if (signal?.aborted) job.reject(abortError(signal));
    else {
      const cancel = (by: AbortSignal) => {
        job.reject(abortError(by));
        for (const one of queues) one.drop(job);
      };
      if (signal) onceAborted(signal, promise, () => cancel(signal));
      (isBuild ? builds : quick).add(job);
    }
    return promise;
  };

  return {
    ...operations(send),
    pids: () => queues.flatMap((one) => one.pids()),
    async close() {
      closed = true;
      await Promise.all(queues.map((one) => one.close()));
    },
  };
}

/** Calls back when the signal aborts before the promise settles; the listener is removed after that. */
function onceAborted(signal: AbortSignal, promise: Promise<unknown>, callback: () => void): void {
  const forget = (): void => signal.removeEventListener('abort', callback);
  signal.addEventListener('abort', callback, { once: true });
  promise.then(forget, forget);
}
