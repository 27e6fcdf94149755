import { availableParallelism } from 'node:os';
import type { Logger } from '@weir/telemetry';
import { engineBinary } from './binary.ts';
import { createCrew } from './crew.ts';
import type { RenderError } from './error.ts';
import { type Operations, operations, type Send } from './operations.ts';
import { abortError, closedError, createJob, isBuild, type Job } from './queue.ts';

export interface PoolOptions {
  /**
   * The most builds that run at a time; the number of CPUs, at most 4, unless given. The other
   * operations are quick: they don't wait for builds.
   */
  size?: number;
  /** Path of the engine's binary; `WEIR_ENGINE`, or one built from source, unless given. */
  engine?: string;
  /** What one engine may take, in bytes; 1 GiB unless given. */
  memoryLimitBytes?: number;
  /** What an artifact may unpack to, in bytes; 256 MiB unless given. Packed, half of it. */
  artifactLimitBytes?: number;
  /** Limit of a request that names none, in ms; 60,000 unless given. */
  timeoutMs?: number;
  /** Time after which an engine without work is stopped, in ms; 5 minutes unless given. */
  idleMs?: number;
  log: Logger;
}

/** A render engine that is started, shared, watched and replaced as requests come. */
export interface RenderPool extends Operations {
  /** The process ids of the engines that run. */
  pids(): number[];
  /** Rejects what waits and runs with reason `Closed`, stops the engines and waits for their end. */
  close(): Promise<void>;
}

const MIB = 1024 ** 2;

/** The most other operations than builds that run at a time. */
const QUICK = 8;

/**
 * Opens a pool; the first call on a machine may build the engine. The engine starts on demand.
 * Rejects with a GoBuildError when there is no engine and none can be built.
 */
export async function createPool(options: PoolOptions): Promise<RenderPool> {
  const { log, idleMs = 300_000, timeoutMs = 60_000 } = options;
  const { memoryLimitBytes = 1024 * MIB, artifactLimitBytes = 256 * MIB } = options;
  const size = options.size ?? Math.min(availableParallelism(), 4);
  const binary = options.engine ?? (await engineBinary(log));
  const profiles = process.env.WEIR_ENGINE_PROFILES;
  const engine = { binary, memoryLimitBytes, artifactLimitBytes, profiles, log };
  const queue: Job[] = [];
  let closed = false;
  const crew = createCrew({ engine, idleMs, onChange: dispatch, onLost });

  /** Gives out what can run, in the order in which it came. */
  function dispatch(): void {
    for (;;) {
      const running = crew.running();
      const place = queue.findIndex((job) => mayRun(job, running));
      const [job] = place < 0 ? [] : queue.splice(place, 1);
      if (!job) return;
      void crew.run(job);
    }
  }

  function mayRun(job: Job, running: readonly Job[]): boolean {
    if (job.alone) return !running.some(({ alone }) => alone);
    const alike = running.filter((other) => !other.alone && isBuild(other) === isBuild(job));
    return alike.length < (isBuild(job) ? size : QUICK);
  }

  function onLost(job: Job): void {
    job.alone = true;
    if (closed) job.reject(closedError());
    else queue.unshift(job);
  }

  const send: Send = (op, body, { signal, timeoutMs: limit = timeoutMs }) => {
    const { job, promise } = createJob(op, body, limit);
    if (closed) job.reject(closedError());
    else if (signal?.aborted) job.reject(abortError(signal));
    else {
      if (signal) onceAborted(signal, promise, () => cancel(job, abortError(signal)));
      queue.push(job);
      dispatch();
    }
    return promise;
  };

  function cancel(job: Job, error: RenderError): void {
    const place = queue.indexOf(job);
    if (place >= 0) queue.splice(place, 1);
    job.reject(error);
    crew.abandon(job);
  }

  return {
    ...operations(send),
    pids: () => crew.pids(),
    async close() {
      closed = true;
      for (const job of queue.splice(0)) job.reject(closedError());
      await crew.close();
    },
  };
}

/** Calls back when the signal aborts before the promise settles; keeps no listener after that. */
function onceAborted(signal: AbortSignal, promise: Promise<unknown>, callback: () => void): void {
  const forget = (): void => signal.removeEventListener('abort', callback);
  signal.addEventListener('abort', callback, { once: true });
  promise.then(forget, forget);
}
