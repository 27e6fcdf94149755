import type { Caller } from './caller.ts';
import { type ChangeTracker, createChangeTracker } from './change-tracker.ts';
import type { ListWatchEvent, ListWatchOptions } from './client.ts';
import { ApiError, ConnectionError, isGone } from './errors.ts';
import { listPages } from './list.ts';
import type { KubeObject, ResourceType } from './object.ts';
import { type Backoff, backoffMs, sleep } from './retry.ts';
import { watchFrom } from './watch.ts';

/** Waits after failed connections. Such a try costs the server nothing, so its return is noticed within two seconds. */
const UNREACHABLE: Backoff = { baseMs: 100, maxMs: 2_000 };
/** Waits after error answers, which cost the server work. The Go client's reflector has the same limits. */
const REFUSED: Backoff = { baseMs: 800, maxMs: 30_000 };
/** A watch that ends before this time without an event counts as a failure, else it would be opened in a loop. */
const SHORT_WATCH_MS = 1_000;

/** The state that one listWatch keeps between its lists and watches. */
interface Progress<T> {
  tracker: ChangeTracker<T>;
  /** The version to watch from; empty when a list is needed first. */
  resourceVersion: string;
  failures: FailureCounter;
}

/**
 * Lists in pages, then watches from the version of that list, for ever. A broken watch resumes from the last
 * resourceVersion, which events and bookmarks move forward. When the server no longer has that version (410) it lists
 * again and compares with what it has reported, so that the consumer gets one consistent sequence of events.
 * It ends when the signal aborts. Failures are retried, and the first one of a row is reported as an `error` event.
 */
export async function* listWatch<T extends KubeObject>(
  caller: Caller,
  type: ResourceType,
  options: ListWatchOptions,
): AsyncGenerator<ListWatchEvent<T>> {
  const { signal } = options;
  const failures = createFailureCounter();
  const progress: Progress<T> = {
    tracker: createChangeTracker<T>(),
    resourceVersion: '',
    failures,
  };
  while (!signal.aborted) {
    try {
      if (progress.resourceVersion === '') yield* relist(caller, type, options, progress);
      const lasted = yield* watchOnce(caller, type, options, progress);
      if (lasted) failures.clear();
      else await pause(UNREACHABLE, failures.count('short'), signal);
    } catch (error) {
      if (signal.aborted) return;
      const kind = kindOf(error);
      const before = failures.count(kind);
      if (kind === 'gone') progress.resourceVersion = '';
      // A server may forget an old version at any time: the first 410 is normal, a second one in a row is a failure.
      if (kind === 'gone' && before === 0) continue;
      // Only the first failure of an outage is reported, because the tries after it fail in the same way.
      if (before === (kind === 'gone' ? 1 : 0)) yield { type: 'error', error: asError(error) };
      await pause(
        kind === 'unreachable' ? UNREACHABLE : REFUSED,
        before,
        signal,
        retryAfterOf(error),
      );
    }
  }
}

/** One complete list, reported as the changes since the last event. */
async function* relist<T extends KubeObject>(
  caller: Caller,
  type: ResourceType,
  options: ListWatchOptions,
  progress: Progress<T>,
): AsyncGenerator<ListWatchEvent<T>> {
  const { tracker } = progress;
  let listed = '';
  tracker.beginList();
  for await (const page of listPages<T>(caller, type, options)) {
    if (page.restarted) tracker.beginList();
    for (const object of page.items) yield* tracker.observed(object);
    listed = page.resourceVersion;
  }
  yield* tracker.endList();
  progress.resourceVersion = listed;
  yield { type: 'synced', resourceVersion: listed };
}

/** One watch, until the server ends it. Returns false when it ended too soon and without an event. */
async function* watchOnce<T extends KubeObject>(
  caller: Caller,
  type: ResourceType,
  { signal, pageSize: _, ...selection }: ListWatchOptions,
  progress: Progress<T>,
): AsyncGenerator<ListWatchEvent<T>, boolean> {
  const startedAt = performance.now();
  const { tracker, resourceVersion } = progress;
  let received = false;
  for await (const event of watchFrom<T>(caller, type, { ...selection, resourceVersion }, signal)) {
    received = true;
    progress.failures.clear();
    if (event.type === 'BOOKMARK') {
      progress.resourceVersion = event.resourceVersion || progress.resourceVersion;
      continue;
    }
    const { object } = event;
    yield* event.type === 'DELETED' ? tracker.removed(object) : tracker.observed(object);
    progress.resourceVersion = object.metadata.resourceVersion ?? progress.resourceVersion;
  }
  return received || performance.now() - startedAt > SHORT_WATCH_MS;
}

interface FailureCounter {
  /** Counts one failure of this kind, and returns how many of the same kind came directly before it. */
  count(failure: string): number;
  clear(): void;
}

/**
 * Counts failures of one kind in a row. A server that is starting fails in other ways than one that is unreachable;
 * counting from zero then keeps the wait short, however long the outage was.
 */
function createFailureCounter(): FailureCounter {
  let kind: string | undefined;
  let inARow = 0;
  return {
    count(failure) {
      if (failure !== kind) inARow = 0;
      kind = failure;
      return inARow++;
    },
    clear() {
      kind = undefined;
    },
  };
}

/** Waits for the backoff, but at least `atLeastMs`. Resolves early when the signal aborts. */
async function pause(
  backoff: Backoff,
  failures: number,
  signal: AbortSignal,
  atLeastMs = 0,
): Promise<void> {
  try {
    await sleep(Math.max(atLeastMs, backoffMs(failures, backoff)), signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function retryAfterOf(error: unknown): number | undefined {
  return error instanceof ApiError ? error.retryAfterMs : undefined;
}

/** Failures with the same word here count as one kind. */
function kindOf(error: unknown): string {
  if (error instanceof ConnectionError) return 'unreachable';
  if (isGone(error)) return 'gone';
  return error instanceof ApiError ? error.reason : 'unknown';
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
