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
 * Ends when the signal aborts; failures are told as `error` events and retried.
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
  let failures = 0;

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
        failures = 0;
        if (event.type === 'BOOKMARK') {
          resourceVersion = event.resourceVersion || resourceVersion;
          continue;
        }
        const { object } = event;
        yield* event.type === 'DELETED' ? ledger.gone(object) : ledger.present(object);
        resourceVersion = object.metadata.resourceVersion ?? resourceVersion;
      }
      if (heard || performance.now() - startedAt > SHORT_WATCH_MS) failures = 0;
      else await pause(AWAY, failures++, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (isGone(error) && resourceVersion !== '') {
        resourceVersion = '';
        if (failures++ === 0) continue;
      }
      yield { type: 'error', error: asError(error) };
      if (signal.aborted) return;
      const backoff = error instanceof ConnectionError ? AWAY : REFUSED;
      await pause(backoff, failures++, signal, retryAfterOf(error));
    }
  }
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

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
