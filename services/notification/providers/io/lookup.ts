import { lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { createFairLimit } from '@weir/async';
import { allowedLookup, type Resolver } from '@weir/net';

export interface LookupOptions {
  /** Allows loopback and link-local addresses (`--allow-local-addresses`). */
  allowLocal: boolean;
  /** Names that are looked up at a time. Each occupies one of the process' threads, of which UV_THREADPOOL_SIZE are there. */
  concurrency: number;
  /** The system's resolver unless a test says otherwise. */
  resolver?: Resolver;
}

/** The `lookup` of a connection that is made for a namespace. */
export type LookupFor = (namespace: string, signal: AbortSignal) => LookupFunction;

/**
 * Looks names up with the system's resolver, and refuses addresses that a tenant may not reach. Such a look-up occupies a
 * thread until the name server answers, whatever becomes of its connection: only so many are used for it, shared fairly
 * by namespace, so that names that no server answers for keep nobody else waiting for files or names.
 */
export function createLookup({
  allowLocal,
  concurrency,
  resolver = lookup,
}: LookupOptions): LookupFor {
  const slots = createFairLimit(concurrency);
  return (namespace, signal) => {
    const inTurn: Resolver = (host, options, callback) => {
      const resolve = () =>
        new Promise<void>((done) => {
          resolver(host, options, (error, addresses) => {
            done();
            callback(error, addresses);
          });
        });
      slots.run(namespace, resolve, signal).catch((error: unknown) => callback(asError(error), []));
    };
    return allowedLookup({ allowLocal }, inTurn);
  };
}

function asError(error: unknown): NodeJS.ErrnoException {
  return error instanceof Error ? error : new Error(String(error));
}
