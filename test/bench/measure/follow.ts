// Follows objects by a watch. Polling would add its own delay to the measured times.
import type { KubeClient, KubeObject, ResourceType } from '@weir/kube';
import { now } from './clock.ts';

export interface Following<T extends KubeObject> {
  /** All objects as they are now. */
  list(): T[];
  /**
   * Calls `check` after each change, and resolves with the time (see `now`) at which it first returned true. Rejects
   * after `timeoutMs` with a message that says what was waited for.
   */
  when(
    check: (objects: ReadonlyMap<string, T>) => boolean,
    options: { timeoutMs: number; message: string },
  ): Promise<number>;
  close(): Promise<void>;
}

/** Follows all objects of a kind in a namespace. `check` gets them by name. */
export function follow<T extends KubeObject>(
  client: KubeClient,
  type: ResourceType,
  namespace: string,
): Following<T> {
  const objects = new Map<string, T>();
  const waiting = new Set<(at: number) => void>();
  const stop = new AbortController();
  const following = (async () => {
    for await (const event of client.listWatch<T>(type, { namespace, signal: stop.signal })) {
      if (event.type === 'error' || event.type === 'synced') continue;
      const { name } = event.object.metadata;
      if (event.type === 'deleted') objects.delete(name);
      else objects.set(name, event.object);
      const at = now();
      for (const tell of waiting) tell(at);
    }
  })();
  return {
    list: () => [...objects.values()],
    async when(check, { timeoutMs, message }) {
      const passed = Promise.withResolvers<number>();
      const look = (at: number) => {
        if (check(objects)) passed.resolve(at);
      };
      const timer = setTimeout(
        () => passed.reject(new Error(`not within ${timeoutMs} ms: ${message}`)),
        timeoutMs,
      );
      waiting.add(look);
      look(now());
      try {
        return await passed.promise;
      } finally {
        clearTimeout(timer);
        waiting.delete(look);
      }
    },
    async close() {
      stop.abort();
      await following;
    },
  };
}
