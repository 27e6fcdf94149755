// A process that dies in the middle of a reconcile, as the cluster sees it: its requests end at some point.
import type { ReconcileContext } from '@weir/controller';
import type { KubeClient } from '@weir/kube';
import type { Logger } from '@weir/telemetry';

export class Crash extends Error {
  override name = 'Crash';
}

/** Reads change nothing: to die before or after one is to die between two writes. */
const WRITES = new Set(['create', 'replace', 'patch', 'apply', 'delete']);
/** Calls whose result isn't a promise. */
const SYNCHRONOUS = new Set(['latencyMs', 'listWatch']);

export interface Doomed {
  client: KubeClient;
  /** Whether it died. */
  died(): boolean;
}

/**
 * A client that dies at the `at`-th write (from 1): before the request is sent, or after it was carried
 * out and before the answer came. Nothing works from then on.
 */
export function doomedClient(client: KubeClient, at: number, when: 'before' | 'after'): Doomed {
  let writes = 0;
  let dead = false;
  const die = (): never => {
    dead = true;
    throw new Crash(`died ${when} write ${at}`);
  };
  const doomed = new Proxy(client, {
    get(target, name, receiver) {
      const value: unknown = Reflect.get(target, name, receiver);
      if (typeof value !== 'function') return value;
      if (SYNCHRONOUS.has(String(name))) {
        return (...args: unknown[]) => (dead ? die() : value.apply(target, args));
      }
      return async (...args: unknown[]) => {
        if (dead) return die();
        const isLast = WRITES.has(String(name)) && ++writes === at;
        if (isLast && when === 'before') return die();
        const answer: unknown = await value.apply(target, args);
        return isLast ? die() : answer;
      };
    },
  });
  return { client: doomed, died: () => dead };
}

/**
 * One run as a process of its own would do it right after its start, which takes up what the process before it saved. Resolves also
 * when the process died; rejects with whatever else `run` rejects with.
 */
export async function runAsProcess(
  { log, timeoutMs }: { log: Logger; timeoutMs: number },
  run: (context: ReconcileContext) => Promise<unknown>,
): Promise<void> {
  try {
    await run({
      signal: AbortSignal.timeout(timeoutMs),
      superseded: new AbortController().signal,
      causes: new Set(['added']),
      attempt: 1,
      log,
      waiting: (wait) => wait(),
      elsewhere: (work) => work(),
      guard: () => undefined,
    });
  } catch (error) {
    if (!(error instanceof Crash)) throw error;
  }
}
