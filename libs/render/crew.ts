// The engines of a pool. One serves all requests, as many at a time as the pool lets through. A Go program
// can't stop a computation that never ends, and a crash takes all of it along: so when an engine has to go,
// the requests that ran beside the one to blame run again, each on an engine of its own.
import { RenderError } from './error.ts';
import { type EngineOptions, type EngineProcess, startEngine } from './process.ts';
import { closedError, type Job, timeoutError } from './queue.ts';

/** An engine and what it does. */
interface Worker {
  process: EngineProcess;
  jobs: Set<Job>;
  alone: boolean;
  idleTimer: NodeJS.Timeout | undefined;
}

export interface Crew {
  /** The jobs that run, those given up included while their engine is at it. */
  running(): Job[];
  pids(): number[];
  /** Runs a job and settles it, or hands it back through `onLost`; never rejects itself. */
  run(job: Job): Promise<void>;
  /** Ends the work on a job that is settled already; what runs beside it may have a moment to end. */
  abandon(job: Job): void;
  /** Stops all engines and waits for their end. */
  close(): Promise<void>;
}

export interface CrewOptions {
  engine: EngineOptions;
  /** Time after which an engine without work is stopped, in ms. */
  idleMs: number;
  /** Called whenever a job has ended or an engine has. */
  onChange(): void;
  /** Takes a job that has to run again. */
  onLost(job: Job): void;
}

/** How long an engine goes on for the sake of others with what nobody waits for, in ms. */
const GRACE_MS = 1_000;

export function createCrew({ engine, idleMs, onChange, onLost }: CrewOptions): Crew {
  const workers = new Set<Worker>();

  function workerFor(job: Job): Worker {
    const fits = (worker: Worker) => worker.process.alive() && worker.alone === job.alone;
    return [...workers].find(fits) ?? start(job.alone);
  }

  function start(alone: boolean): Worker {
    const process = startEngine(engine);
    const worker: Worker = { process, jobs: new Set(), alone, idleTimer: undefined };
    workers.add(worker);
    void process.ended.then(() => {
      clearTimeout(worker.idleTimer);
      workers.delete(worker);
      onChange();
    });
    return worker;
  }

  function rest(worker: Worker): void {
    if (!worker.process.alive() || worker.jobs.size > 0) return;
    const stop = () => worker.process.kill(closedError());
    if (worker.alone) stop();
    else worker.idleTimer = setTimeout(stop, idleMs);
  }

  /** Ends the engine of a job that it can't be made to stop. */
  function giveUp(worker: Worker, job: Job): void {
    if (!worker.jobs.has(job)) return;
    worker.process.kill(new RenderError('EngineCrashed', 'the render engine was stopped'));
  }

  function fail(worker: Worker, job: Job, error: RenderError): void {
    if (job.settled) return;
    // Whichever of several it was, or another that was given up: alone it will show.
    if (!worker.process.alive() && worker.process.lost() > 1 && !job.alone) onLost(job);
    else job.reject(error);
  }

  return {
    running: () => [...workers].flatMap(({ jobs }) => [...jobs]),
    pids: () => [...workers].flatMap(({ process }) => process.pid ?? []),
    async run(job) {
      const worker = workerFor(job);
      clearTimeout(worker.idleTimer);
      worker.jobs.add(job);
      const timer = setTimeout(() => {
        if (!job.settled) job.reject(timeoutError(job));
        giveUp(worker, job);
      }, job.timeoutMs);
      try {
        const answer = await worker.process.request(job.op, job.body);
        if (!job.settled) job.resolve(answer);
      } catch (error) {
        fail(worker, job, error as RenderError);
      } finally {
        clearTimeout(timer);
        worker.jobs.delete(job);
        rest(worker);
        onChange();
      }
    },
    abandon(job) {
      const worker = [...workers].find(({ jobs }) => jobs.has(job));
      if (!worker) return;
      const isIdle = [...worker.jobs].every(({ settled }) => settled);
      if (isIdle) giveUp(worker, job);
      else setTimeout(giveUp, GRACE_MS, worker, job).unref();
    },
    async close() {
      const ending = [...workers];
      for (const worker of ending) {
        for (const job of worker.jobs) if (!job.settled) job.reject(closedError());
        worker.process.kill(closedError());
      }
      await Promise.all(ending.map((worker) => worker.process.ended));
    },
  };
}
