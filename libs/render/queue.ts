import { RenderError } from './error.ts';

/** What every request takes besides its own input. */
export interface RequestOptions {
  /** Time that the engine may take once it has begun, in ms. Waiting for a free engine isn't in it. */
  timeoutMs?: number;
  /** Gives the request up, whether it waits or runs. */
  signal?: AbortSignal;
}

/** A request on its way through the pool. */
export interface Job {
  op: string;
  body: unknown;
  /** The artifact that it reads: an engine that holds it already is preferred. */
  digest: string | undefined;
  timeoutMs: number;
  resolve(body: unknown): void;
  reject(error: RenderError): void;
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
