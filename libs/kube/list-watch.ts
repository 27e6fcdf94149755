import type { Caller } from './caller.ts';
import type { ListWatchEvent, ListWatchOptions } from './client.ts';
import { ApiError, ConnectionError, isGone } from './errors.ts';
import { createLedger, type Ledger } from './ledger.ts';
import { listPages } from './list.ts';
import type { KubeObject, ResourceType } from './object.ts';
import { type Backoff, backoffMs, sleep } from './retry.ts';
import { watchFrom } from './watch.ts';

/** A server that refuses connections costs nothing to ask, so that its return is noticed within two seconds. */
const AWAY: Backoff = { baseMs: 100, maxMs: 2_000 };
/** A server that answers with errors is spared (the Go reflector has the same limits). */
const REFUSED: Backoff = { baseMs: 800, maxMs: 30_000 };
/** A watch that ends sooner, without an event, counts as a failure: else it would be asked for in a loop. */
const SHORT_WATCH_MS = 1_000;

/** Between the steps of one listWatch. */
interface Progress<T> {
  ledger: Ledger<T>;
  /** Where to watch from; empty when a list is needed first. */
  resourceVersion: string;
  failures: Tally;
}

/**
 * A paged list, then watches from where it ended, for ever. A broken watch resumes from the last
 * resourceVersion (events and bookmarks move it); when the server no longer has that (410) everything is
 * listed again and compared with what was told before, so that the consumer sees one consistent history.
 * Ends when the signal aborts; failures are retried, and the first of a row is told as an `error` event.
 */
export async function* listWatch<T extends KubeObject>(
  caller: Caller,
  type: ResourceType,
  options: ListWatchOptions,
): AsyncGenerator<ListWatchEvent<T>> {
  const { signal } = options;
  const failures = createTally();
  const progress: Progress<T> = { ledger: createLedger<T>(), resourceVersion: '', failures };
  while (!signal.aborted) {
    try {
      if (progress.resourceVersion === '') yield* relist(caller, type, options, progress);
      const calm = yield* follow(caller, type, options, progress);
      if (calm) failures.clear();
      else await pause(AWAY, failures.count('short'), signal);
    } catch (error) {
      if (signal.aborted) return;
      const kind = kindOf(error);
      const before = failures.count(kind);
      if (kind === 'gone') progress.resourceVersion = '';
      // That a server forgets what was long ago is no failure; that it does so at once is one.
      if (kind === 'gone' && before === 0) continue;
      // One line for one outage: the tries that follow fail alike.
      if (before === (kind === 'gone' ? 1 : 0)) yield { type: 'error', error: asError(error) };
      await pause(kind === 'away' ? AWAY : REFUSED, before, signal, retryAfterOf(error));
    }
  }
}

/** One complete list, told as changes to what was known before. */
async function* relist<T extends KubeObject>(
  caller: Caller,
  type: ResourceType,
  options: ListWatchOptions,
  progress: Progress<T>,
): AsyncGenerator<ListWatchEvent<T>> {
  const { ledger } = progress;
  let listed = '';
  ledger.beginList();
  for await (const page of listPages<T>(caller, type, options)) {
    if (page.restarted) ledger.beginList();
    for (const object of page.items) yield* ledger.present(object);
    listed = page.resourceVersion;
  }
  yield* ledger.endList();
  progress.resourceVersion = listed;
  yield { type: 'synced', resourceVersion: listed };
}

/** One watch, until the server ends it. Gives false when that was suspiciously soon. */
async function* follow<T extends KubeObject>(
  caller: Caller,
  type: ResourceType,
  { signal, pageSize: _, ...selection }: ListWatchOptions,
  progress: Progress<T>,
): AsyncGenerator<ListWatchEvent<T>, boolean> {
  const startedAt = performance.now();
  const { ledger, resourceVersion } = progress;
  let heard = false;
  for await (const event of watchFrom<T>(caller, type, { ...selection, resourceVersion }, signal)) {
    heard = true;
    progress.failures.clear();
    if (event.type === 'BOOKMARK') {
      progress.resourceVersion = event.resourceVersion || progress.resourceVersion;
      continue;
    }
    const { object } = event;
    yield* event.type === 'DELETED' ? ledger.gone(object) : ledger.present(object);
    progress.resourceVersion = object.metadata.resourceVersion ?? progress.resourceVersion;
  }
  return heard || performance.now() - startedAt > SHORT_WATCH_MS;
}

interface Tally {
  /** How many of this kind came directly before this one. */
  count(failure: string): number;
  clear(): void;
}

/**
 * Counts failures of one kind in a row. A server that comes back fails in other ways than one that is
 * away, and must not be kept waiting for how long it was.
 */
function createTally(): Tally {
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

/** Waits until it makes sense to try again, or the signal aborts. */
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

/** What counts as the same failure again. */
function kindOf(error: unknown): string {
  if (error instanceof ConnectionError) return 'away';
  if (isGone(error)) return 'gone';
  return error instanceof ApiError ? error.reason : 'unknown';
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
