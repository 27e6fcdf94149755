import type { Group } from './record.ts';
import type { Grouping } from './settings.ts';

/** What is due for a group now: nothing (with the time until the next check, in ms), or a message. */
export type Due =
  | { kind: 'nothing'; inMs: number }
  | { kind: 'failing' | 'more' | 'still failing' | 'over' }
  /** Nothing was ever sent about the group, so it can be removed without a message. */
  | { kind: 'remove' };

/** Where messages can't be changed, each further message of a growing group waits twice as long as the one before. */
const MAX_DOUBLINGS = 7;
/** How often the API server is asked whether the objects of an open group have recovered. */
export const CHECK_MS = 5 * 60_000;

/** How often it is checked whether all objects have recovered, once some have. Milliseconds. */
const RECHECK_MS = { min: 2_000, max: 60_000 };

/**
 * Decides what is due for a group in which `count` objects fail at `now` (ms since 1970). `updates` says that its
 * message can be changed: then every change is shown, otherwise only what people should know.
 */
export function whatIsDue(
  group: Group,
  count: number,
  { grouping, updates, now }: { grouping: Grouping; updates: boolean; now: number },
): Due {
  const { sent, openedMs, joinedMs, leftMs } = group;
  const { windowMs, reminderMs } = grouping;
  if (sent === undefined) {
    // A message that can be changed need not wait for further failures.
    const inMs = updates && count > 0 ? 0 : openedMs + windowMs - now;
    if (inMs > 0) return { kind: 'nothing', inMs };
    if (count === 0) return { kind: group.recovered ? 'over' : 'remove' };
    return { kind: 'failing' };
  }
  if (count === 0) return { kind: 'over' };
  const doublings = updates ? 0 : Math.min(sent.messages - 1, MAX_DOUBLINGS);
  const nextMs = sent.atMs + windowMs * 2 ** doublings;
  // A partial recovery is shown where a message can be changed; otherwise a message is sent when all have recovered.
  const hasChanged = joinedMs !== undefined || (updates && leftMs !== undefined);
  if (hasChanged && now >= nextMs) return { kind: 'more' };
  const remindMs = reminderMs === undefined ? Number.POSITIVE_INFINITY : sent.atMs + reminderMs;
  if (now >= remindMs) return { kind: 'still failing' };
  const checkMs = leftMs === undefined ? CHECK_MS : recheckMs(now - leftMs);
  const wakeMs = Math.min(remindMs, hasChanged ? nextMs : remindMs, now + checkMs);
  return { kind: 'nothing', inMs: Math.max(1, wakeMs - now) };
}

/** Objects tend to recover together: the longer ago the first of them did, the longer the others take. */
function recheckMs(sinceMs: number): number {
  return Math.min(Math.max(sinceMs / 4, RECHECK_MS.min), RECHECK_MS.max);
}
