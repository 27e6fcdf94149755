// The queue of one controller decides which object runs when. A key stands in line at most once and runs at most once at
// a time. It runs again when it was added while it ran, and after each failure with a growing delay.
import { AsyncLocalStorage } from 'node:async_hooks';
import { createFairLine } from '@weir/async';
import { type Clock, systemClock } from './clock.ts';
import type { Outcome } from './reconcile.ts';
import { createWorker } from './worker.ts';

/** One run of one key. */
export interface Turn {
  key: string;
  causes: ReadonlySet<string>;
  /** The W3C trace context of the latest cause that had one. */
  traceparent?: string;
  /** The trace contexts of the other causes that this run serves. */
  links: readonly string[];
  /** 1 for the first run, and one more after each failure in a row. */
  attempt: number;
  /** How long the key stood in line, in ms. */
  queuedMs: number;
  /** Gives the worker back while `wait` is under way, and takes one again after it. */
  waiting<T>(wait: () => Promise<T>): Promise<T>;
}

export interface AddOptions {
  cause: string;
  delayMs?: number | undefined;
  traceparent?: string | undefined;
}

export interface Queue {
  /** Makes the key run soon. With a delay it runs once after that time, even when it also runs before. */
  add(key: string, options: AddOptions): void;
  /** Resets the count of failures, because the object that failed has changed. */
  forgive(key: string): void;
  /** Removes the key. The outcome of a run that is under way is ignored. */
  remove(key: string): void;
  stats(): { ready: number; running: number; waiting: number };
  /** Resolves when nothing runs and nothing is ready. Keys that are due later don't count. */
  idle(): Promise<void>;
  /** Starts no further run, and resolves when those under way have ended. */
  close(): Promise<void>;
}

export interface QueueOptions {
  concurrency: number;
  retry: { minMs: number; maxMs: number };
  /** The tenant of a key; workers are shared fairly between tenants. The namespace of the key unless given. */
  tenantOf?(key: string): string;
  run(turn: Turn): Promise<Outcome>;
  clock?: Clock;
}

interface Causes {
  names: Set<string>;
  traceparents: Set<string>;
}

interface Item {
  key: string;
  tenant: string;
  running: boolean;
  /** The key was removed while it ran, so the outcome of that run is ignored. */
  removed: boolean;
  failures: number;
  /** Set while the key stands in line, or while it runs and has to run again. */
  next?: Causes & { since: number };
  /** A run that a caller asked for at a later time. A run before that time doesn't replace it. */
  later?: Causes & { due: number };
  /** When the last outcome asked for another run, and why. Any run before that time replaces it. */
  again?: { due: number; cause: 'interval' | 'retry' };
  stopTimer?: () => void;
}

/** An entry of the line: the start of a key's run, or the continuation of a run that needs a worker after a wait. */
type Entry = () => void;

export function createQueue(options: QueueOptions): Queue {
  const { concurrency, retry, clock = systemClock, tenantOf = namespaceOf } = options;
  const items = new Map<string, Item>();
  const line = createFairLine<Entry>();
  const entries = new Map<Item, Entry>();
  const idle = new Set<() => void>();
  // A run is started from within another run that ended or enqueued it. The snapshot keeps it from inheriting that run's
  // trace, and keeps timers from holding that trace in memory.
  const outside = AsyncLocalStorage.snapshot();
  let workers = 0;
  let running = 0;
  let closed = false;

  function itemFor(key: string): Item {
    const known = items.get(key);
    if (known) return known;
    const item = { key, tenant: tenantOf(key), running: false, removed: false, failures: 0 };
    items.set(key, item);
    return item;
  }

  function add(key: string, { cause, delayMs = 0, traceparent }: AddOptions) {
    if (closed) return;
    const item = itemFor(key);
    const traceparents = traceparent === undefined ? [] : [traceparent];
    const causes = { names: new Set([cause]), traceparents: new Set(traceparents) };
    if (delayMs > 0) addLater(item, causes, clock.now() + delayMs);
    else addNow(item, causes);
  }

  function addLater(item: Item, causes: Causes, due: number) {
    item.later = item.later
      ? { ...merge(item.later, causes), due: Math.min(item.later.due, due) }
      : { ...causes, due };
    arm(item);
  }

  function addNow(item: Item, causes: Causes) {
    if (item.next) {
      item.next = { ...merge(item.next, causes), since: item.next.since };
      return;
    }
    item.next = { ...causes, since: clock.now() };
    if (!item.running) enter(item);
  }

  function enter(item: Item) {
    const entry = () => start(item);
    entries.set(item, entry);
    line.push(item.tenant, entry);
    pump();
  }

  /** Sets the one timer of a key to what is due first. */
  function arm(item: Item) {
    item.stopTimer?.();
    delete item.stopTimer;
    const due = Math.min(item.later?.due ?? Infinity, item.again?.due ?? Infinity);
    if (due === Infinity) return;
    item.stopTimer = outside(() => clock.timer(() => fire(item), due - clock.now()));
  }

  function fire(item: Item) {
    const now = clock.now();
    const { again, later } = item;
    if (again && again.due <= now) {
      delete item.again;
      addNow(item, { names: new Set([again.cause]), traceparents: new Set() });
    }
    if (later && later.due <= now) {
      delete item.later;
      addNow(item, later);
    }
    arm(item);
  }

  function pump() {
    while (workers < concurrency) {
      const entry = line.take();
      if (!entry) break;
      workers += 1;
      entry();
    }
    if (running > 0 || line.size() > 0) return;
    for (const resolve of idle) resolve();
    idle.clear();
  }

  function start(item: Item) {
    entries.delete(item);
    delete item.again;
    arm(item);
    item.running = true;
    running += 1;
    const worker = createWorker(
      () => {
        workers -= 1;
        line.release(item.tenant);
        pump();
      },
      (granted) => {
        line.push(item.tenant, granted, { first: true });
        pump();
      },
    );
    void take(item, worker.waiting).then((outcome) => {
      running -= 1;
      item.running = false;
      settle(item, outcome);
      worker.done();
      pump();
    });
  }

  async function take(item: Item, waiting: Turn['waiting']): Promise<Outcome> {
    // The run begins asynchronously, so that the caller of add() continues first. What it adds until then is a cause of
    // this run, and of no second one.
    await undefined;
    if (closed || item.removed) return {};
    const { next } = item;
    delete item.next;
    try {
      return await outside(options.run, turnOf(item, next, clock.now(), waiting));
    } catch (error) {
      return { retry: error instanceof Error ? error : new Error(String(error)) };
    }
  }

  function settle(item: Item, outcome: Outcome) {
    if (item.removed) item.removed = false;
    else count(item, outcome);
    if (item.next && !closed) enter(item);
    else if (!item.again && !item.later && item.failures === 0) items.delete(item.key);
  }

  function count(item: Item, outcome: Outcome) {
    item.failures = 'retry' in outcome ? item.failures + 1 : 0;
    const afterMs =
      'retry' in outcome ? backoffMs(item.failures, retry) : (outcome.requeueAfterMs ?? Infinity);
    if (item.next || closed || afterMs === Infinity) return;
    item.again = {
      due: clock.now() + Math.max(0, afterMs),
      cause: 'retry' in outcome ? 'retry' : 'interval',
    };
    arm(item);
  }

  function remove(key: string) {
    const item = items.get(key);
    if (!item) return;
    const entry = entries.get(item);
    if (entry) line.remove(item.tenant, entry);
    entries.delete(item);
    delete item.next;
    delete item.later;
    delete item.again;
    arm(item);
    item.failures = 0;
    if (item.running) item.removed = true;
    else items.delete(key);
    pump();
  }

  return {
    add,
    remove,
    forgive(key) {
      const item = items.get(key);
      if (item) item.failures = 0;
    },
    stats: () => ({ ready: entries.size, running, waiting: running - workers }),
    idle: () =>
      new Promise((resolve) => {
        idle.add(resolve);
        pump();
      }),
    async close() {
      closed = true;
      for (const [item, entry] of entries) line.remove(item.tenant, entry);
      entries.clear();
      for (const item of items.values()) item.stopTimer?.();
      await this.idle();
    },
  };
}

/** The wait after a number of failures, in ms: `minMs` after the first, doubled after each further one, at most `maxMs`. */
export function backoffMs(failures: number, { minMs, maxMs }: { minMs: number; maxMs: number }) {
  return Math.min(maxMs, minMs * 2 ** Math.min(failures - 1, 62));
}

function namespaceOf(key: string): string {
  return key.slice(0, Math.max(0, key.indexOf('/')));
}

/** Adds causes to those that are there. The trace context of the latest cause goes last, also when it was there before. */
function merge(into: Causes, from: Causes): Causes {
  for (const name of from.names) into.names.add(name);
  for (const traceparent of from.traceparents) {
    into.traceparents.delete(traceparent);
    into.traceparents.add(traceparent);
  }
  return into;
}

function turnOf(item: Item, next: Item['next'], now: number, waiting: Turn['waiting']): Turn {
  const traceparents = [...(next?.traceparents ?? [])];
  const traceparent = traceparents.pop();
  return {
    key: item.key,
    causes: next?.names ?? new Set(),
    links: traceparents,
    attempt: item.failures + 1,
    queuedMs: now - (next?.since ?? now),
    waiting,
    ...(traceparent !== undefined && { traceparent }),
  };
}
