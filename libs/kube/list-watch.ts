import type { Caller } from './caller.ts';
import type { ListWatchEvent, ListWatchOptions } from './client.ts';
import { ApiError, ConnectionError, isGone } from './errors.ts';
import { createLedger } from './ledger.ts';
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
  const { signal, pageSize, ...selection } = options;
  const ledger = createLedger<T>();
  /** Where to watch from; empty when a list is needed first. */
  let resourceVersion = '';
  const failures = createTally();

  while (!signal.aborted) {
    const startedAt = performance.now();
    try {
      if (resourceVersion === '') {
        const pages = listPages<T>(caller, type, { ...options });
        let listed = '';
        ledger.beginList();
        for await (const page of pages) {
          if (page.restarted) ledger.beginList();
          for (const object of page.items) yield* ledger.present(object);
          listed = page.resourceVersion;
        }
        yield* ledger.endList();
        resourceVersion = listed;
        yield { type: 'synced', resourceVersion };
      }
      let heard = false;
      for await (const event of watchFrom<T>(
        caller,
        type,
        { ...selection, resourceVersion },
        signal,
      )) {
        heard = true;
        failures.clear();
        if (event.type === 'BOOKMARK') {
          resourceVersion = event.resourceVersion || resourceVersion;
          continue;
        }
        const { object } = event;
        yield* event.type === 'DELETED' ? ledger.gone(object) : ledger.present(object);
        resourceVersion = object.metadata.resourceVersion ?? resourceVersion;
      }
      if (heard || performance.now() - startedAt > SHORT_WATCH_MS) failures.clear();
      else await pause(AWAY, failures.count('short'), signal);
    } catch (error) {
      if (signal.aborted) return;
      if (isGone(error) && resourceVersion !== '') {
        resourceVersion = '';
        if (failures.count('gone') === 0) continue;
      }
      const away = error instanceof ConnectionError;
      const before = failures.count(away ? 'away' : reasonOf(error));
      // One line for one outage: the tries that follow fail alike.
      if (before === 0) yield { type: 'error', error: asError(error) };
      if (signal.aborted) return;
      await pause(away ? AWAY : REFUSED, before, signal, retryAfterOf(error));
    }
  }
}

/**
 * Counts failures of one kind in a row. A server that comes back fails in other ways than one that is
 * away, and must not be kept waiting for how long it was.
 */
function createTally() {
  let kind: string | undefined;
  let inARow = 0;
  return {
    /** How many of this kind came before it. */
    count(failure: string): number {
      if (failure !== kind) inARow = 0;
      kind = failure;
      return inARow++;
    },
    clear(): void {
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

function reasonOf(error: unknown): string {
  return error instanceof ApiError ? error.reason : 'unknown';
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
