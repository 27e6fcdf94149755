import type { RenderError } from './error.ts';
import { type EngineOptions, type EngineProcess, startEngine } from './process.ts';
import { closedError, type Job, timeoutError } from './queue.ts';

/** An engine and what it does. */
interface Worker {
  process: EngineProcess;
  job: Job | undefined;
  /** Digests of artifacts that it has read, the latest last. */
  digests: Set<string>;
  idleTimer: NodeJS.Timeout | undefined;
}

/** The engines of a pool: started, given work, watched, and stopped when they have none. */
export interface Crew {
  workers: ReadonlySet<Worker>;
  /** An engine without work: one that has the artifact if there is one, else the last one started. */
  free(digest: string | undefined): Worker | undefined;
  start(): Worker;
  /** Runs a job on an engine without work and settles the job; never rejects itself. */
  run(worker: Worker, job: Job): Promise<void>;
  /** Stops all engines and waits for their end. */
  close(): Promise<void>;
}

/** How many digests per engine are remembered as read: more than it keeps in memory by far. */
const REMEMBERED_DIGESTS = 64;

/** Makes a crew. `onChange` is called whenever an engine has become free or has ended. */
export function createCrew(engine: EngineOptions, idleMs: number, onChange: () => void): Crew {
  const workers = new Set<Worker>();

  function retire(worker: Worker): void {
    worker.process.kill(closedError());
  }

  return {
    workers,
    free(digest) {
      const free = [...workers].filter(({ job, process }) => !job && process.alive());
      const holder = free.find(({ digests }) => digest !== undefined && digests.has(digest));
      return holder ?? free.at(-1);
    },
    start() {
      const process = startEngine(engine);
      const worker: Worker = { process, job: undefined, digests: new Set(), idleTimer: undefined };
      workers.add(worker);
      void process.ended.then(() => {
        clearTimeout(worker.idleTimer);
        workers.delete(worker);
        onChange();
      });
      return worker;
    },
    async run(worker, job) {
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
        onChange();
      }
    },
    async close() {
      const ending = [...workers];
      for (const worker of ending) retire(worker);
      await Promise.all(ending.map((worker) => worker.process.ended));
    },
  };
}

function remember(digests: Set<string>, digest: string): void {
  digests.delete(digest);
  digests.add(digest);
  const [oldest] = digests;
  if (digests.size > REMEMBERED_DIGESTS && oldest !== undefined) digests.delete(oldest);
}
