// Waiting until objects are healthy: by watching, so that a wait costs nothing while nothing happens.
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type DiscoveredResource,
  isForbidden,
  isNoMatch,
  isNotFound,
  type KubeClient,
  type KubeObject,
  NoMatchError,
} from '@weir/kube';
import { messageOf } from './errors.ts';
import { inventoryId } from './inventory.ts';
import { type ObjectTarget, subjectOf, targetOf } from './objects.ts';

/** kstatus' words: `Current` is healthy, `Failed` will not become so by itself. */
export interface ObjectStatus {
  status: string;
  message?: string;
}

/** Computes the status of objects, in their order (kstatus, in the render engine). */
export type StatusFunction = (objects: KubeObject[]) => Promise<ObjectStatus[]>;

export interface HealthTarget {
  target: ObjectTarget;
  /** As it was seen last; what is healthy already isn't asked for again. */
  object?: KubeObject;
}

export interface HealthOptions {
  status: StatusFunction;
  /** Milliseconds. */
  timeoutMs: number;
  /** End at the first object that failed, and not when the time is over. */
  failFast: boolean;
  /** Inventory ids of Jobs that delete themselves: when gone, they are done. */
  vanishing?: ReadonlySet<string>;
  /** Selects all targets, where all carry labels of their owner: many then share a watch. */
  labelSelector?: string;
  signal: AbortSignal;
}

export interface HealthResult extends ObjectStatus {
  target: ObjectTarget;
  /** Why the status can't be told. */
  error?: string;
}

export type Health =
  | { healthy: true; results: HealthResult[] }
  /** `message` in Flux's words: what was waited for, and the status of each. */
  | { healthy: false; message: string; results: HealthResult[] };

/**
 * Waits until all targets are healthy, one failed or the time is over. Never throws for an unhealthy
 * object; rejects with the signal's reason when that aborts.
 */
export async function waitForHealth(
  client: KubeClient,
  targets: readonly HealthTarget[],
  options: HealthOptions,
): Promise<Health> {
  const board = createBoard(targets, options);
  await board.show(targets.flatMap(({ object }) => object ?? []));
  if (board.isSettled()) return board.verdict(false);

  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(TIMEOUT), options.timeoutMs);
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const groups = intoGroups(board.open(), options.labelSelector);
  const watches = groups.map((group) => watchGroup(client, group, board, signal));
  try {
    await Promise.race([board.settled, ...watches.map(failures), aborted(signal)]);
  } finally {
    clearTimeout(timer);
    stop.abort(DONE);
    await Promise.allSettled(watches);
  }
  options.signal.throwIfAborted();
  return board.verdict(!board.isSettled());
}

/** Whether all were healthy when they were seen last, so that there is nothing to wait for. */
export async function areHealthy(
  targets: readonly HealthTarget[],
  status: StatusFunction,
): Promise<boolean> {
  const seen = targets.flatMap(({ object }) => object ?? []);
  if (seen.length < targets.length) return false;
  const results = await statusesOf(seen, status);
  return results.every(({ status }) => status === 'Current');
}

async function statusesOf(
  objects: readonly KubeObject[],
  status: StatusFunction,
): Promise<HealthResult[]> {
  const results: HealthResult[] = [];
  for (let start = 0; start < objects.length; start += STATUS_BATCH) {
    const batch = objects.slice(start, start + STATUS_BATCH);
    const statuses = await status(batch);
    for (const [index, object] of batch.entries()) {
      const found = statuses[index] ?? { status: 'Unknown' };
      // What is Unknown could not be computed, and the message says why.
      const isError = found.status === 'Unknown' && found.message !== undefined;
      const error = isError ? { error: found.message ?? '' } : {};
      results.push({ target: targetOf(object), ...found, ...error });
    }
  }
  return results;
}

const TIMEOUT = new Error('timeout');
const DONE = new Error('done');
const RETRY_MS = 1_000;
const POLL_MS = 2_000;
/** Objects in one question for their status. */
const STATUS_BATCH = 100;

/** Ends only with the wait, or with an error of our own making: a status that can't be computed. */
async function failures(watch: Promise<void>): Promise<never> {
  await watch;
  return new Promise(() => undefined);
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

type Board = ReturnType<typeof createBoard>;

/** Where the statuses of all targets are kept, and whether that decides the wait. */
function createBoard(targets: readonly HealthTarget[], options: HealthOptions) {
  const { status, failFast, vanishing = new Set() } = options;
  const results = new Map<string, HealthResult>(
    targets.map(({ target }) => [inventoryId(target), { target, status: 'Unknown' }]),
  );
  const settled = Promise.withResolvers<void>();

  function isHealthy(id: string, { status }: ObjectStatus): boolean {
    return status === 'Current' || (status === 'NotFound' && vanishing.has(id));
  }
  function isSettled(): boolean {
    const open = [...results].filter(([id, result]) => !isHealthy(id, result));
    const failed = open.filter(([, result]) => result.status === 'Failed');
    return failed.length === open.length || (failFast && failed.length > 0);
  }
  function put(found: readonly HealthResult[]): void {
    for (const result of found) {
      const id = inventoryId(result.target);
      if (results.has(id)) results.set(id, result);
    }
    if (isSettled()) settled.resolve();
  }
  async function show(objects: KubeObject[]): Promise<void> {
    put(await statusesOf(objects, status));
  }
  function open(): ObjectTarget[] {
    return [...results].flatMap(([id, result]) => (isHealthy(id, result) ? [] : result.target));
  }
  function verdict(timedOut: boolean): Health {
    const all = [...results.values()];
    const bad = [...results]
      .filter(([id, result]) => (timedOut ? !isHealthy(id, result) : result.status === 'Failed'))
      .map(([, { target, status, error }]) =>
        [`${subjectOf(target)} status: '${status}'`, ...(error === undefined ? [] : [error])].join(
          ': ',
        ),
      );
    if (bad.length === 0) return { healthy: true, results: all };
    const why = timedOut ? 'timeout waiting for' : 'failed early due to stalled resources';
    return { healthy: false, message: `${why}: [${bad.sort().join(', ')}]`, results: all };
  }
  return { show, put, open, isSettled, settled: settled.promise, verdict };
}

/** Objects of one kind and place that one watch can cover. */
interface Group {
  targets: ObjectTarget[];
  selection: { fieldSelector: string } | { labelSelector: string };
}

/** Those that carry the owner's labels share a watch per kind and namespace; others are watched by name. */
function intoGroups(targets: ObjectTarget[], labelSelector: string | undefined): Group[] {
  const places = Map.groupBy(targets, ({ group, kind, namespace }) =>
    [group, kind, namespace].join('/'),
  );
  return [...places.values()].flatMap((members): Group[] =>
    labelSelector !== undefined && members.length > 1
      ? [{ targets: members, selection: { labelSelector } }]
      : members.map((target) => ({
          targets: [target],
          selection: { fieldSelector: `metadata.name=${target.name}` },
        })),
  );
}

/** Keeps a group's statuses current until the signal aborts. Throws only what isn't the cluster's. */
async function watchGroup(
  client: KubeClient,
  group: Group,
  board: Board,
  signal: AbortSignal,
): Promise<void> {
  try {
    const type = await untilKnown(client, group, board, signal);
    if (await follow(client, type, group, board, signal)) return;
    for (;;) {
      await readEach(client, type, group, board, signal);
      await sleep(POLL_MS, undefined, { signal });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function untilKnown(
  client: KubeClient,
  { targets }: Group,
  board: Board,
  signal: AbortSignal,
): Promise<DiscoveredResource> {
  for (;;) {
    try {
      return await client.discovery.resourceFor(anyOf(targets));
    } catch (cause) {
      if (!isNoMatch(cause)) throw cause;
      const { group, kind } = anyOf(targets);
      const { message: error } = new NoMatchError({ group, kind });
      board.put(targets.map((target) => ({ target, status: 'Unknown', error })));
      await sleep(RETRY_MS, undefined, { signal });
    }
  }
}

/** False where the account may not watch; otherwise it goes on until the signal aborts. */
async function follow(
  client: KubeClient,
  type: DiscoveredResource,
  { targets, selection }: Group,
  board: Board,
  signal: AbortSignal,
): Promise<boolean> {
  const { namespace } = anyOf(targets);
  const missing = new Map(targets.map((target) => [target.name, target]));
  const where = type.namespaced ? { namespace } : {};
  for await (const event of client.listWatch(type, { ...where, ...selection, signal })) {
    if (event.type === 'error') {
      if (isForbidden(event.error)) return false;
    } else if (event.type === 'synced') {
      board.put([...missing.values()].map(notFound));
    } else if (event.type === 'deleted') {
      const { name } = event.object.metadata;
      board.put(targets.filter((target) => target.name === name).map(notFound));
    } else {
      missing.delete(event.object.metadata.name);
      await board.show([event.object]);
    }
  }
  return true;
}

/** For accounts that may read objects and no more. */
async function readEach(
  client: KubeClient,
  type: DiscoveredResource,
  { targets }: Group,
  board: Board,
  signal: AbortSignal,
): Promise<void> {
  for (const target of targets) {
    try {
      await board.show([await client.get(type, target, { signal })]);
    } catch (error) {
      if (signal.aborted) throw error;
      board.put([
        isNotFound(error)
          ? notFound(target)
          : { target, status: 'Unknown', error: messageOf(error) },
      ]);
    }
  }
}

function notFound(target: ObjectTarget): HealthResult {
  return { target, status: 'NotFound' };
}

function anyOf(targets: ObjectTarget[]): ObjectTarget {
  const [first] = targets;
  if (first === undefined) throw new RangeError('a group of no objects');
  return first;
}
