import { RenderError } from './error.ts';

/** What every request takes besides its own input. */
export interface RequestOptions {
  /** The namespace on whose behalf this is asked for. Whose turn it is goes by tenant. */
  tenant: string;
  /** Time that the engine may take once it has begun, in ms. Waiting for its turn isn't in it. */
  timeoutMs?: number;
  /** Gives the request up, whether it waits or runs. */
  signal?: AbortSignal;
}

/**
 * Answers what an engine asks for while it works on a request: something from outside, as it has no network. What it
 * throws reaches the engine as a message. The signal aborts when the request has ended, however that came about.
 */
export type Callbacks = (op: string, body: unknown, signal: AbortSignal) => Promise<unknown>;

/** What an engine is asked to do. */
export interface Work {
  op: string;
  /** The input as JSON. */
  body: string;
  /** Answers what the engine asks for. Without it, an engine that asks for something fails the request. */
  callbacks?: Callbacks | undefined;
  tenant: string;
  timeoutMs: number;
  /** Work of the same profile is expected to take the same time and memory. */
  profile: string;
}

/** Work on its way through the pool. */
export interface Job extends Work {
  /** True once the promise is resolved or rejected, so that nobody waits for the job any more. */
  settled: boolean;
  resolve(body: unknown): void;
  reject(error: RenderError): void;
}

/** Work, and a promise of what becomes of it. */
export function createJob(work: Work): { job: Job; promise: Promise<unknown> } {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const job: Job = {
    ...work,
    settled: false,
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

export function abortError(signal: AbortSignal): RenderError {
  return new RenderError('Aborted', 'rendering was aborted', { cause: signal.reason });
}

export function timeoutError({ timeoutMs }: Pick<Job, 'timeoutMs'>): RenderError {
  return new RenderError('Timeout', `rendering took longer than ${timeoutMs} ms`);
}

export function closedError(): RenderError {
  return new RenderError('Closed', 'the render pool is closed');
}
