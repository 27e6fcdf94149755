import type { RequestOptions } from './job.ts';

/**
 * Sends a request, whose body is JSON, to an engine. Requests of the same tenant and profile (the operation unless given)
 * are expected to take the same time and memory.
 */
export type Send = (
  op: string,
  body: string,
  options: RequestOptions,
  profile?: string,
) => Promise<unknown>;
