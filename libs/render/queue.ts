// The queue of jobs, and the engines that run them. A Go program can't stop a computation that never ends, and a crash
// ends everything in the process. Therefore an engine runs one job at a time, and to cancel a job its engine is ended.
import { createBoundedMap, createFairLine } from '@weir/async';
import { RenderError } from './error.ts';
import { closedError, type Job, timeoutError } from './job.ts';
import { type EngineOptions, type EngineProcess, startEngine } from './process.ts';

export interface Queue {
  /** Runs the job when its turn comes, and settles it. Tenants take turns. */
  add(job: Job): void;
  /** Cancels a job whose caller no longer waits: it leaves the queue, or the engine that runs it is ended. */
  drop(job: Job): void;
  /** The process ids of the engines that run. */
  pids(): number[];
  /** Rejects the jobs that wait or run, stops the engines and waits until they have ended. */
  close(): Promise<void>;
}

export interface QueueOptions {
  engine: EngineOptions;
  /** The maximum number of engines that run at the same time, each with one job. */
  engines: number;
  /** How many of them may work for one tenant; all unless given. */
  enginesPerTenant?: number;
  /**
   * How long a job waits before another engine is started for it, in ms. Starting one is delayed because it keeps its
   * memory for minutes.
   */
  anotherAfterMs: number;
  /** Time after which an engine without work is stopped, in ms. */
  idleMs: number;
  /** How long a job may delay a tenant that has fewer engines, in ms. After that it is ended, and run again later. */
  patienceMs: number;
  /**
   * The queue in which ended jobs run again, also those that needed more memory than there is here. Without it they run
   * again in this queue, each time with twice the patience, and those that need more memory fail.
   */
  overflow?: Queue;
}

interface Worker {
  process: EngineProcess;
  job: Job | undefined;
  /** When its last job started, on the monotonic clock. */
  since: number;
  idleTimer: NodeJS.Timeout | undefined;
}

/** The reason for ending an engine so that another tenant's job can run. */
const MAKES_ROOM = 'MakesRoom';

/**
 * After one job of a profile took too much time or memory, further ones go directly to the overflow queue for this
 * long, in ms.
 */
const REMEMBERED_MS = 600_000;
const REMEMBERED = 1_000;

export function createQueue(options: QueueOptions): Queue {
  const { engine, engines, enginesPerTenant = engines, overflow } = options;
  const { idleMs, patienceMs, anotherAfterMs } = options;
  const workers = new Set<Worker>();
  // The waiting jobs, each with the time since which it has waited; the one that has waited longest is first.
  const waiting = new Map<Job, number>();
  const patience = new WeakMap<Job, number>();
  const line = createFairLine<Job>({ mayRun: (held) => held < enginesPerTenant });
  const tooMuch = createBoundedMap<string, number>({ max: REMEMBERED });
  let closed = false;
  let roomTimer: NodeJS.Timeout | undefined;
  let startTimer: NodeJS.Timeout | undefined;

  function dispatch(): void {
    clearTimeout(startTimer);
    while (!closed && line.size() > 0) {
      const idle = idleWorker();
      const job = idle || mayStart() ? line.take() : undefined;
      if (!job) break;
      waiting.delete(job);
      void run(idle ?? start(), job);
    }
    makeRoom();
  }

  /** The idle engine that worked last: it is the most likely to have the artifact of the next job in memory. */
  function idleWorker(): Worker | undefined {
    const idle = [...workers].filter(({ process, job }) => !job && process.alive());
    return idle.sort((a, b) => b.since - a.since)[0];
  }

  /** Whether another engine may be started now. If it is too early, a timer checks again. */
  function mayStart(): boolean {
    if (workers.size >= engines) return false;
    const [since = 0] = waiting.values();
    const leftMs = since + anotherAfterMs - performance.now();
    if (workers.size === 0 || leftMs <= 0) return true;
    startTimer = setTimeout(dispatch, leftMs);
    return false;
  }

  function start(): Worker {
    const process = startEngine(engine);
    const worker: Worker = { process, job: undefined, since: 0, idleTimer: undefined };
    workers.add(worker);
    // An engine counts until its process has ended, because until then it uses memory.
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
    worker.since = performance.now();
    const timer = setTimeout(() => worker.process.kill(timeoutError(job)), job.timeoutMs);
    try {
      job.resolve(await worker.process.request(job.op, job.body, job.callbacks));
    } catch (error) {
      fail(job, error as RenderError);
    } finally {
      clearTimeout(timer);
      worker.job = undefined;
      line.release(job.tenant);
      if (worker.process.alive()) worker.idleTimer = setTimeout(stop, idleMs, worker);
      dispatch();
    }
  }

  function stop(worker: Worker): void {
    worker.process.kill(closedError());
  }

  function fail(job: Job, error: RenderError): void {
    if (job.settled) return;
    const makesRoom = error.reason === MAKES_ROOM;
    if (closed) job.reject(closedError());
    else if (overflow && (makesRoom || error.reason === 'MemoryLimit')) {
      tooMuch.set(job.profile, performance.now() + REMEMBERED_MS);
      overflow.add(job);
    } else if (makesRoom) {
      patience.set(job, 2 * patienceOf(job));
      enqueue(job);
    } else job.reject(error);
  }

  function enqueue(job: Job): void {
    waiting.set(job, performance.now());
    line.push(job.tenant, job);
    dispatch();
  }

  function patienceOf(job: Job): number {
    return patience.get(job) ?? patienceMs;
  }

  /**
   * Ends an engine whose job delays a tenant that has fewer engines. If no job has run long enough, it checks again
   * later.
   */
  function makeRoom(): void {
    clearTimeout(roomTimer);
    const isEnding = [...workers].some(({ process }) => !process.alive());
    if (closed || isEnding || waiting.size === 0) return;
    const running = [...workers].flatMap(({ process, job, since }) =>
      job ? [{ process, tenant: job.tenant, end: since + patienceOf(job) }] : [],
    );
    const held = (tenant: string) => running.filter((one) => one.tenant === tenant).length;
    const tenants = new Set([...waiting.keys()].map(({ tenant }) => tenant));
    const fewest = Math.min(...[...tenants].map(held));
    const ahead = running.filter(({ tenant }) => held(tenant) > fewest);
    const [next] = ahead.sort((a, b) => a.end - b.end);
    if (!next) return;
    const leftMs = next.end - performance.now();
    if (leftMs > 0) roomTimer = setTimeout(makeRoom, leftMs);
    else next.process.kill(new RenderError(MAKES_ROOM, 'others wait for the engine'));
  }

  return {
    add(job) {
      const isTooMuch = performance.now() < (tooMuch.get(job.profile) ?? 0);
      if (closed) job.reject(closedError());
      else if (overflow && isTooMuch) overflow.add(job);
      else enqueue(job);
    },
    drop(job) {
      if (waiting.delete(job)) line.remove(job.tenant, job);
      for (const worker of workers) if (worker.job === job) stop(worker);
    },
    pids: () => [...workers].flatMap(({ process }) => process.pid ?? []),
    async close() {
      closed = true;
      clearTimeout(roomTimer);
      clearTimeout(startTimer);
      const ending = [...workers];
      for (const job of waiting.keys()) job.reject(closedError());
      ending.forEach(stop);
      await Promise.all(ending.map(({ process }) => process.ended));
    },
  };
}
