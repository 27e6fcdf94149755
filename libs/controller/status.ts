// Writes of one object's status during one run: as few as someone could see.
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
import { NotOwner } from './standing.ts';

export type StatusOf<T extends KubeObject> = NonNullable<T['status']>;

export interface StatusWriter<T extends KubeObject> {
  /** Written later, if the run goes on that long; of several only the last. Never fails. */
  progress(status: StatusOf<T>): void;
  /** Written before it resolves, with the object as it is then. */
  now(status: StatusOf<T>): Promise<T>;
  /** The last word: `progress` that isn't written yet never will be. */
  finish(status: StatusOf<T>): Promise<T>;
  /** Ends without a last word: another run has it. */
  abandon(): void;
}

export interface StatusWriterOptions<T extends KubeObject> {
  fieldManager: string;
  informer?: Pick<Informer<T>, 'observe'>;
  /** Called before each write; what it throws is what the write rejects with. */
  guard(): void;
  /** How long after the start of the run progress is written; 1 s when not given. */
  delayMs?: number;
  /** How long after a write, which shows that it is under way, progress is written; 3 s when not given. */
  pauseMs?: number;
  log?: Logger;
  clock?: Clock;
}

const MAX_CONFLICTS = 5;

/**
 * A writer that starts from `object` as we know it. Each status given is the whole of it: what is not in it is removed.
 * Writes are merge patches on the version that we know; when somebody else wrote meanwhile, the
 * object is read and the difference worked out anew. An object that is gone takes writes in silence.
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

  /** One after the other, in the order in which they were asked for. */
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
      // Another object by the same name is not ours to write.
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
      // The next write carries it as well, and fails aloud.
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
