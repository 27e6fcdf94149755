import { availableParallelism } from 'node:os';
import type { Logger } from '@weir/telemetry';
import { engineBinary } from './binary.ts';
import type { RenderError } from './error.ts';
import { type Operations, operations, type Send } from './operations.ts';
import { type EngineProcess, startEngine } from './process.ts';
import { abortError, closedError, type Job, timeoutError } from './queue.ts';

export interface PoolOptions {
  /** The most engines that run at a time; the number of CPUs, at most 4, unless given. */
  size?: number;
  /** Path of the engine's binary; `WEIR_ENGINE`, or one built from source, unless given. */
  engine?: string;
  /** What one engine may take, in bytes; 1 GiB unless given. */
  memoryLimitBytes?: number;
  /** Limit of a request that names none, in ms; 60,000 unless given. */
  timeoutMs?: number;
  /** Time after which an engine without work is stopped, in ms; 60,000 unless given. */
  idleMs?: number;
  log: Logger;
}

/** Render engines that are started, shared, watched and replaced as requests come. */
export interface RenderPool extends Operations {
  /** The process ids of the engines that run. */
  pids(): number[];
  /** Rejects what waits and runs with reason `Closed`, stops the engines and waits for their end. */
  close(): Promise<void>;
}

interface Worker {
  process: EngineProcess;
  job: Job | undefined;
  /** Digests of artifacts that it has read, the latest last. */
  digests: Set<string>;
  idleTimer: NodeJS.Timeout | undefined;
}

/** How many digests per engine are remembered as read: more than it keeps in memory by far. */
const REMEMBERED_DIGESTS = 64;

/**
 * Opens a pool; the first call on a machine may build the engine. Engines start on demand.
 * Rejects with a GoBuildError when there is no engine and none can be built.
 */
export async function createPool(options: PoolOptions): Promise<RenderPool> {
  const { log, idleMs = 60_000, timeoutMs = 60_000, memoryLimitBytes = 1024 ** 3 } = options;
  const size = options.size ?? Math.min(availableParallelism(), 4);
  const binary = options.engine ?? (await engineBinary(log));
  const workers = new Set<Worker>();
  const queue: Job[] = [];
  let closed = false;

  function dispatch(): void {
    for (let job = queue[0]; job; job = queue[0]) {
      const worker = freeWorker(workers, job.digest) ?? (workers.size < size ? start() : undefined);
      if (!worker) return;
      queue.shift();
      void run(worker, job);
    }
  }

  function start(): Worker {
    const process = startEngine({ binary, memoryLimitBytes, log });
    const worker: Worker = { process, job: undefined, digests: new Set(), idleTimer: undefined };
    workers.add(worker);
    void process.ended.then(() => {
      clearTimeout(worker.idleTimer);
      workers.delete(worker);
      dispatch();
    });
    return worker;
  }

  async function run(worker: Worker, job: Job): Promise<void> {
    clearTimeout(worker.idleTimer);
    worker.job = job;
    if (job.digest !== undefined) remember(worker.digests, job.digest);
    const timer = setTimeout(() => worker.process.kill(timeoutError(job)), job.timeoutMs);
    try {
      job.resolve(await worker.process.request(job.op, job.body));
    } catch (error) {
      job.reject(error as RenderError);
    } finally {
      clearTimeout(timer);
      worker.job = undefined;
      if (worker.process.alive()) worker.idleTimer = setTimeout(retire, idleMs, worker);
      dispatch();
    }
  }

  function retire(worker: Worker): void {
    worker.process.kill(closedError());
  }

  const request: Send = (op, body, { signal, timeoutMs: limit = timeoutMs }, digest) => {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    if (closed) reject(closedError());
    else if (signal?.aborted) reject(abortError(signal));
    else {
      const job: Job = { op, body, digest, timeoutMs: limit, resolve, reject };
      if (signal) onceAborted(signal, promise, () => cancel(job, abortError(signal)));
      queue.push(job);
      dispatch();
    }
    return promise;
  };

  function cancel(job: Job, error: RenderError): void {
    const place = queue.indexOf(job);
    if (place >= 0) {
      queue.splice(place, 1);
      job.reject(error);
    }
    for (const worker of workers) if (worker.job === job) worker.process.kill(error);
  }

  return {
    ...operations(request),
    pids: () => [...workers].flatMap(({ process }) => process.pid ?? []),
    async close() {
      closed = true;
      for (const job of queue.splice(0)) job.reject(closedError());
      const ending = [...workers];
      for (const worker of ending) retire(worker);
      await Promise.all(ending.map((worker) => worker.process.ended));
    },
  };
}

/** An engine without work: one that has the artifact if there is one, else the last one started. */
function freeWorker(workers: Iterable<Worker>, digest: string | undefined): Worker | undefined {
  let free: Worker | undefined;
  for (const worker of workers) {
    if (worker.job || !worker.process.alive()) continue;
    if (digest !== undefined && worker.digests.has(digest)) return worker;
    free = worker;
  }
  return free;
}

/** Calls back when the signal aborts before the promise settles; keeps no listener after that. */
function onceAborted(signal: AbortSignal, promise: Promise<unknown>, callback: () => void): void {
  const forget = (): void => signal.removeEventListener('abort', callback);
  signal.addEventListener('abort', callback, { once: true });
  promise.then(forget, forget);
}

function remember(digests: Set<string>, digest: string): void {
  digests.delete(digest);
  digests.add(digest);
  const [oldest] = digests;
  if (digests.size > REMEMBERED_DIGESTS && oldest !== undefined) digests.delete(oldest);
}
