// Writes the status of one object during one run, with as few writes as a reader could notice.
import {
  isConflict,
  isNotFound,
  type KubeClient,
  type KubeObject,
  objectKey,
  type ResourceType,
} from '@weir/kube';
import type { Logger } from '@weir/telemetry';
import { type Clock, systemClock } from './clock.ts';
import type { Informer } from './informer.ts';
import { mergeDiff } from './merge.ts';
import { NotOwner } from './ownership.ts';

export type StatusOf<T extends KubeObject> = NonNullable<T['status']>;

export interface StatusWriter<T extends KubeObject> {
  /** Writes this status later, if the run still goes on then. Of several only the last is written. Never fails. */
  progress(status: StatusOf<T>): void;
  /** Writes this status at once, and resolves with the object as it is then. Rejects when the write fails. */
  now(status: StatusOf<T>): Promise<T>;
  /** Writes the final status of the run, as `now` does. Progress that wasn't written yet is dropped. */
  finish(status: StatusOf<T>): Promise<T>;
  /** Ends without a final status, because another run will write one. */
  abandon(): void;
}

export interface StatusWriterOptions<T extends KubeObject> {
  fieldManager: string;
  informer?: Pick<Informer<T>, 'observe'>;
  /** Called before each write. When it throws, nothing is written and the write rejects with that error. */
  guard(): void;
  /** Progress is written when the run has lasted this long, in ms; 1 000 unless given. */
  delayMs?: number;
  /** The shortest time between a write and the next progress, in ms; 3 000 unless given. */
  pauseMs?: number;
  log?: Logger;
  clock?: Clock;
}

const MAX_CONFLICTS = 5;

/**
 * Makes a writer for the status of `object`. Each status that it gets replaces the whole status.
 * Writes are merge patches on the last known version. When somebody else has written meanwhile, the object is read and
 * the patch computed again. Writing to an object that no longer exists does nothing and is no error.
 */
export function createStatusWriter<T extends KubeObject>(
  client: KubeClient,
  kind: ResourceType,
  object: T,
  options: StatusWriterOptions<T>,
): StatusWriter<T> {
  const { fieldManager, informer, guard, log, clock = systemClock } = options;
  const { delayMs = 1_000, pauseMs = 3_000 } = options;
  const { namespace, name, uid } = object.metadata;
  const ref = namespace === undefined ? { name } : { namespace, name };
  let latest = object;
  let gone = false;
  let finished = false;
  let pending: StatusOf<T> | undefined;
  let stopTimer: (() => void) | undefined;
  let earliest = clock.now() + delayMs;
  let last: Promise<unknown> = Promise.resolve();

  /** Writes happen one after another, in the order of the calls. */
  function enqueue(status: StatusOf<T>): Promise<T> {
    const written = last.then(() => write(status));
    last = written.catch(() => undefined);
    return written;
  }

  async function write(status: StatusOf<T>): Promise<T> {
    for (let conflicts = 0; !gone; conflicts += 1) {
      const change = mergeDiff(latest.status ?? {}, status);
      if (change === undefined) break;
      guard();
      try {
        take(await patch(change));
        break;
      } catch (error) {
        if (isNotFound(error)) gone = true;
        else if (!isConflict(error) || conflicts >= MAX_CONFLICTS) throw error;
        else await refresh();
      }
    }
    return latest;
  }

  function patch(status: object): Promise<T> {
    const { resourceVersion } = latest.metadata;
    const body = { metadata: { uid, resourceVersion }, status };
    return client.patch<T>(kind, ref, body, { kind: 'merge', fieldManager, subresource: 'status' });
  }

  async function refresh() {
    try {
      const fresh = await client.get<T>(kind, ref);
      // The object was deleted, and another one has the same name now.
      if (fresh.metadata.uid === uid) take(fresh);
      else gone = true;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      gone = true;
    }
  }

  function take(object: T) {
    latest = object;
    earliest = clock.now() + pauseMs;
    informer?.observe(object);
  }

  function cancel() {
    stopTimer?.();
    stopTimer = undefined;
    pending = undefined;
  }

  function flush() {
    const status = pending;
    cancel();
    if (status === undefined) return;
    enqueue(status).catch((error: unknown) => {
      // The next write contains the whole status as well, and rejects when it fails.
      if (!(error instanceof NotOwner)) {
        log?.warn({ err: error, object: objectKey(ref) }, 'Progress not written');
      }
    });
  }

  return {
    progress(status) {
      if (finished) return;
      pending = status;
      stopTimer ??= clock.timer(flush, Math.max(0, earliest - clock.now()));
    },
    now(status) {
      cancel();
      return enqueue(status);
    },
    finish(status) {
      finished = true;
      cancel();
      return enqueue(status);
    },
    abandon() {
      finished = true;
      cancel();
    },
  };
}
