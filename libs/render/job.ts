import { RenderError } from './error.ts';

/** The options that every request takes besides its own input. */
export interface RequestOptions {
  /** The namespace that the request is made for. Tenants take turns. */
  tenant: string;
  /**
   * The time that the engine may take after it has started on the request, in ms. Waiting in the queue doesn't count.
   */
  timeoutMs?: number;
  /** Cancels the request, whether it waits or runs. */
  signal?: AbortSignal;
}

/**
 * Answers the engine's requests during a job, as the engine has no network. An error that it throws reaches the engine
 * as a message. The signal aborts when the job has ended in any way.
 */
export type Callbacks = (op: string, body: unknown, signal: AbortSignal) => Promise<unknown>;

/** A request to an engine. */
export interface Work {
  op: string;
  /** The input as JSON. */
  body: string;
  /** Answers the engine's requests. Without it, a job in which the engine makes one fails. */
  callbacks?: Callbacks | undefined;
  tenant: string;
  timeoutMs: number;
  /** Work of the same profile is expected to take the same time and memory. */
  profile: string;
}

/** A request in the pool. */
export interface Job extends Work {
  /** True once the promise is resolved or rejected, so that nothing waits for the job any more. */
  settled: boolean;
  resolve(body: unknown): void;
  reject(error: RenderError): void;
}

/** Makes a job, and the promise of its result. */
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
