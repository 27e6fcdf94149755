import type { Group } from './record.ts';
import type { Grouping } from './settings.ts';

/** What a group has to say now: nothing (and when to look again, in ms), or a message. */
export type Due =
  | { say: 'nothing'; inMs: number }
  | { say: 'failing' | 'more' | 'still failing' | 'over' }
  /** There is nobody whom anything was said of: the group can go without a word. */
  | { say: 'no more' };

/** Each further message of a group that grows waits twice as long as the one before, where none can be changed. */
const MAX_DOUBLINGS = 7;
/** How often the API server is asked whether the objects of an open group are well. */
export const CHECK_MS = 5 * 60_000;

/** How often it is looked whether all are well, once some are. */
const LOOK_MS = { min: 2_000, max: 60_000 };

/**
 * Decides what is due for a group in which `count` objects fail at `now` (ms since 1970). `updates` says that its
 * message can be changed: then every change is shown, else only what people should know.
 */
export function whatIsDue(
  group: Group,
  count: number,
  { grouping, updates, now }: { grouping: Grouping; updates: boolean; now: number },
): Due {
  const { sent, openedMs, joinedMs, leftMs } = group;
  const { windowMs, reminderMs } = grouping;
  if (sent === undefined) {
    // A message that can be changed needs not wait for the others.
    const inMs = updates && count > 0 ? 0 : openedMs + windowMs - now;
    if (inMs > 0) return { say: 'nothing', inMs };
    if (count === 0) return { say: group.recovered ? 'over' : 'no more' };
    return { say: 'failing' };
  }
  if (count === 0) return { say: 'over' };
  const doublings = updates ? 0 : Math.min(sent.messages - 1, MAX_DOUBLINGS);
  const nextMs = sent.atMs + windowMs * 2 ** doublings;
  // That a part of them is well is shown where a message can be changed, and else said when all are.
  const hasChanged = joinedMs !== undefined || (updates && leftMs !== undefined);
  if (hasChanged && now >= nextMs) return { say: 'more' };
  const remindMs = reminderMs === undefined ? Number.POSITIVE_INFINITY : sent.atMs + reminderMs;
  if (now >= remindMs) return { say: 'still failing' };
  const lookMs = leftMs === undefined ? CHECK_MS : nextLookMs(now - leftMs);
  const wakeMs = Math.min(remindMs, hasChanged ? nextMs : remindMs, now + lookMs);
  return { say: 'nothing', inMs: Math.max(1, wakeMs - now) };
}

/** Objects get well together: the longer ago the first of them did, the longer the others take. */
function nextLookMs(sinceMs: number): number {
  return Math.min(Math.max(sinceMs / 4, LOOK_MS.min), LOOK_MS.max);
}
