import { setMaxListeners } from 'node:events';
import type { FairLimit } from '@weir/async';
import { BusUnavailable, type Head } from '@weir/bus';
import type { Logger } from '@weir/telemetry';
import { createAlarms } from './alarms.ts';
import {
  countOf,
  firstOf,
  type Positions,
  withoutSequence,
  withoutSome,
  withPosition,
} from './positions.ts';
import { namespaceOf } from './subjects.ts';

/**
 * The result of an attempt: the delivery is done, or it is to be tried again after a while. With `idle` nothing failed:
 * it was too early.
 */
export type AttemptResult = 'done' | { retryInMs: number; idle?: true };

export interface Attempt {
  /** 1 for the first attempt of this process, and for the first one after an idle one. */
  number: number;
  /** Aborts when this replica stops, or must no longer work on this delivery. */
  signal: AbortSignal;
}

export interface LanesOptions {
  /** Whether this replica works on the deliveries of a subject now. */
  owns(subject: string): boolean;
  /** Slots for attempts, shared fairly by the namespaces of the alerts. */
  slots: FairLimit;
  attempt(head: Head, attempt: Attempt): Promise<AttemptResult>;
  /**
   * Resolves when attempts can succeed: NATS is available. Each slot waits for it before its attempt, so that a hundred
   * thousand deliveries don't fail one by one meanwhile.
   */
  available(signal: AbortSignal): Promise<unknown>;
  /**
   * The newest message of a subject replaces all before it: these are forgotten, and one that waits because it was too
   * early waits no more.
   */
  newestOnly?: boolean;
  /** Called with the number of deliveries in all lanes whenever it changes. */
  onSize?(size: number): void;
  log: Logger;
}

/**
 * The deliveries that this replica works on, one lane for each alert and object. Those of a lane are sent one after
 * another in the order of the stream: the next one starts only when the one before is done. A lane that waits for its
 * next attempt holds no slot and delays no other lane.
 */
export interface Lanes {
  /** Adds a delivery of the stream; nothing happens if it is known already. */
  add(head: Head): void;
  /** Drops the lanes that other replicas work on now. */
  leaveOthers(): void;
  /** Tries those of a namespace again at once, because the cause of their failures may be gone. */
  wake(namespace: string): void;
  size(): number;
  /** Starts nothing more, and ends the attempts under way after `graceMs`. Resolves when all have ended. */
  close(graceMs?: number): Promise<void>;
}

/** There may be a hundred thousand: data that only a lane at work needs is kept elsewhere. */
interface Lane {
  subject: string;
  /** Positions by sequence; the first one is worked on. */
  positions: Positions;
  attempts: number;
  /** Whether it waits because it was too early. */
  idle: boolean;
  /** The alarm that it waits for; 0 when it doesn't wait. */
  alarm: number;
  /** Whether it stands in the queue of its namespace. */
  inLine: boolean;
  running: AbortController | undefined;
}

/** Lanes of one namespace that are ready, in their order, and how many slots are requested or taken for them. */
interface Line {
  lanes: Lane[];
  asked: number;
}

/** Slots that are requested at a time for one namespace: more than exist, and few enough to cost nothing. */
const MAX_ASKED = 256;
const TROUBLE = { minMs: 1_000, maxMs: 30_000 };

/**
 * How long a lane waits, in ms, after an error with which no attempt should end. While the API server is away the wait
 * grows each time, because many deliveries would otherwise keep a processor busy with failing. For NATS there is a wait
 * of its own.
 */
function troubleMs(error: unknown, attempts: number): number {
  if (error instanceof BusUnavailable) return TROUBLE.minMs;
  return Math.min(TROUBLE.minMs * 2 ** (attempts - 1), TROUBLE.maxMs);
}

export function createLanes(options: LanesOptions): Lanes {
  const { owns, slots, attempt, available, onSize, newestOnly = false, log } = options;
  const lanes = new Map<string, Lane>();
  // Those that wait for their next attempt, by namespace.
  const alarms = createAlarms<Lane>((lane, alarm) => {
    if (lane.alarm === alarm) resume(lane);
  });
  const waiting = new Map<string, Set<Lane>>();
  const lines = new Map<string, Line>();
  const running = new Set<Promise<void>>();
  // Cancels requests for slots that were not granted yet.
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);
  let size = 0;
  let closed = false;

  function laneOf(subject: string): Lane {
    const known = lanes.get(subject);
    if (known !== undefined) return known;
    const lane: Lane = {
      ...{ subject, positions: [], attempts: 0, idle: false },
      ...{ alarm: 0, inLine: false, running: undefined },
    };
    lanes.set(subject, lane);
    return lane;
  }

  function resize(by: number): void {
    size += by;
    onSize?.(size);
  }

  /** Changes the positions of a lane, and counts additions and removals. */
  function change(lane: Lane, make: (positions: Positions) => Positions): void {
    const before = countOf(lane.positions);
    lane.positions = make(lane.positions);
    const by = countOf(lane.positions) - before;
    if (by !== 0) resize(by);
  }

  /** Forgets what a newer message replaces, but for the one that is worked on. */
  function dropOlder(lane: Lane): void {
    const from = lane.running === undefined ? 0 : 1;
    change(lane, (positions) => withoutSome(positions, from, countOf(positions) - from - 1));
    if (lane.idle && lane.alarm !== 0) unpause(lane);
  }

  function pump(lane: Lane): void {
    if (lane.running !== undefined || lane.alarm !== 0 || lane.inLine) return;
    if (lane.positions.length === 0 || closed) {
      lanes.delete(lane.subject);
      return;
    }
    const namespace = namespaceOf(lane.subject);
    const line = lines.get(namespace) ?? { lanes: [], asked: 0 };
    lines.set(namespace, line);
    lane.inLine = true;
    line.lanes.push(lane);
    ask(namespace, line);
  }

  function ask(namespace: string, line: Line): void {
    if (line.asked === MAX_ASKED || closed) return;
    line.asked += 1;
    const run = slots
      .run(namespace, () => workOn(line), closing.signal)
      // A slot that nobody waits for any more; attempts don't reject.
      .catch(() => undefined)
      .finally(() => {
        running.delete(run);
        line.asked -= 1;
        if (line.lanes.length > line.asked) ask(namespace, line);
        else if (line.asked === 0) lines.delete(namespace);
      });
    running.add(run);
  }

  async function workOn(line: Line): Promise<void> {
    // If NATS doesn't come back, each attempt fails with that, and its lane waits longer each time.
    await available(closing.signal).catch(() => undefined);
    const lane = line.lanes.shift();
    // A lane that was dropped meanwhile belongs to another replica.
    if (lane === undefined || !lane.inLine) return;
    lane.inLine = false;
    const position = firstOf(lane.positions);
    lane.running = new AbortController();
    if (position !== undefined)
      await work(lane, { ...position, subject: lane.subject }, lane.running.signal);
  }

  async function work(lane: Lane, head: Head, signal: AbortSignal): Promise<void> {
    lane.attempts += 1;
    const begin = async (): Promise<AttemptResult> =>
      closed ? { retryInMs: 0 } : attempt(head, { number: lane.attempts, signal });
    const result = await begin().catch((error: unknown): AttemptResult => {
      if (!signal.aborted) log.debug({ err: error }, 'A delivery was interrupted, trying again');
      return { retryInMs: troubleMs(error, lane.attempts) };
    });
    lane.running = undefined;
    if (result === 'done') {
      change(lane, (positions) => withoutSequence(positions, head.sequence));
      lane.attempts = 0;
    } else if (!signal.aborted && !closed) {
      const isOutdated = newestOnly && countOf(lane.positions) > 1;
      lane.idle = result.idle === true;
      if (lane.idle) lane.attempts = 0;
      if (isOutdated) change(lane, (positions) => withoutSequence(positions, head.sequence));
      if (!isOutdated || !lane.idle) pause(lane, result.retryInMs);
    }
    pump(lane);
  }

  function pause(lane: Lane, ms: number): void {
    lane.alarm = alarms.set(lane, ms);
    const namespace = namespaceOf(lane.subject);
    const others = waiting.get(namespace) ?? new Set();
    waiting.set(namespace, others.add(lane));
  }

  function unpause(lane: Lane): void {
    lane.alarm = 0;
    const namespace = namespaceOf(lane.subject);
    const others = waiting.get(namespace);
    others?.delete(lane);
    if (others?.size === 0) waiting.delete(namespace);
  }

  function resume(lane: Lane): void {
    unpause(lane);
    pump(lane);
  }

  /** A lane whose attempt still runs stays until that has ended: no second attempt may start before. */
  function leave(lane: Lane): void {
    change(lane, () => []);
    lane.attempts = 0;
    lane.inLine = false;
    unpause(lane);
    lane.running?.abort();
    pump(lane);
  }

  return {
    add(head) {
      if (closed || !owns(head.subject)) return;
      const lane = laneOf(head.subject);
      change(lane, (positions) => withPosition(positions, head));
      if (newestOnly) dropOlder(lane);
      pump(lane);
    },
    leaveOthers() {
      for (const lane of [...lanes.values()]) if (!owns(lane.subject)) leave(lane);
    },
    wake(namespace) {
      for (const lane of [...(waiting.get(namespace) ?? [])]) resume(lane);
    },
    size: () => size,
    async close(graceMs = 0) {
      closed = true;
      closing.abort();
      alarms.close();
      for (const lane of [...lanes.values()]) if (lane.running === undefined) leave(lane);
      const ended = Promise.all(running);
      const late = setTimeout(() => [...lanes.values()].forEach(leave), graceMs);
      await ended;
      clearTimeout(late);
    },
  };
}
