import type { Callbacks, RequestOptions } from './job.ts';

export interface SendOptions extends RequestOptions {
  callbacks?: Callbacks | undefined;
}

/**
 * Sends a request, whose body is JSON, to an engine. Requests of the same tenant and profile (the operation unless given)
 * are expected to take the same time and memory.
 */
export type Send = (
  op: string,
  body: string,
  options: SendOptions,
  profile?: string,
) => Promise<unknown>;
