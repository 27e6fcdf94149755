import { RenderError } from './error.ts';

/** What every request takes besides its own input. */
export interface RequestOptions {
  /** The namespace on whose behalf this is asked: whose turn it is goes by tenant. */
  tenant?: string;
  /** Time that the engine may take once it has begun, in ms. Waiting for its turn isn't in it. */
  timeoutMs?: number;
  /** Gives the request up, whether it waits or runs. */
  signal?: AbortSignal;
}

/** A request on its way through the pool. */
export interface Job {
  op: string;
  body: unknown;
  timeoutMs: number;
  /** Its engine ended under it, and others ran there: it runs again, on an engine of its own. */
  alone: boolean;
  /** Resolved or rejected: whoever asked waits no more. */
  settled: boolean;
  resolve(body: unknown): void;
  reject(error: RenderError): void;
}

/** A request and what becomes of it. */
export function createJob(
  op: string,
  body: unknown,
  timeoutMs: number,
): { job: Job; promise: Promise<unknown> } {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const job: Job = {
    ...{ op, body, timeoutMs, alone: false, settled: false },
    resolve(answer) {
      job.settled = true;
      resolve(answer);
    },
    reject(error) {
      job.settled = true;
      reject(error);
    },
  };
  return { job, promise };
}

export function isBuild(job: Job): boolean {
  return job.op === 'build';
}

export function abortError(signal: AbortSignal): RenderError {
  return new RenderError('Aborted', 'rendering was aborted', { cause: signal.reason });
}

export function timeoutError(job: Job): RenderError {
  return new RenderError('Timeout', `rendering took longer than ${job.timeoutMs} ms`);
}

export function closedError(): RenderError {
  return new RenderError('Closed', 'the render pool is closed');
}
