import { lookup } from 'node:dns';
import { createFairLimit } from '@weir/async';
import type { Resolver } from '@weir/net';

export interface LookupOptions {
  /** Names that are looked up at a time. Each occupies one of the process' threads, of which UV_THREADPOOL_SIZE are there. */
  concurrency: number;
  /** The system's resolver unless a test says otherwise. */
  resolver?: Resolver;
  /** How long a look-up waits for its turn, in ms; 30 s unless given, which is as long as an attempt takes at most. */
  patienceMs?: number;
}

/** How names are looked up in the name of a namespace. */
export type ResolverFor = (namespace: string) => Resolver;

const PATIENCE_MS = 30_000;

/**
 * Looks names up with the system's resolver. Such a look-up occupies a thread until the name server answers, whatever
 * becomes of its connection: only so many are used for it, shared fairly by namespace, so that names that no server
 * answers for keep nobody else waiting for files or names.
 */
export function createLookup({
  concurrency,
  resolver = lookup,
  patienceMs = PATIENCE_MS,
}: LookupOptions): ResolverFor {
  const slots = createFairLimit(concurrency);
  return (namespace) => (host, options, callback) => {
    const resolve = () =>
      new Promise<void>((done) => {
        resolver(host, options, (error, addresses) => {
          done();
          callback(error, addresses);
        });
      });
    slots
      .run(namespace, resolve, AbortSignal.timeout(patienceMs))
      .catch((error: unknown) => callback(asError(error), []));
  };
}

function asError(error: unknown): NodeJS.ErrnoException {
  return error instanceof Error ? error : new Error(String(error));
}
