// Decides what to do with a message in a chat when the next event of its rollout comes.
import { Reason } from '@weir/api';
import type { FluxEvent } from '@weir/events';
import { isError, isProgressing } from '../message.ts';
import type { Rollout } from '../rollout.ts';

export type State = 'progressing' | 'failed' | 'done';

/** A message that was posted and can be changed. */
export interface Shown {
  /** Identifies the channel and credentials: with others the message belongs to somebody else. */
  to: string;
  /** Which rollout it shows. */
  rollout: string;
  state: State;
  /** How often the rollout has failed. */
  failures: number;
  /** The event that it shows, and whether that event's details are in the thread. */
  event: string;
  detailed: boolean;
  /** The vendor's id of the message, and the channel if that is a part of it. */
  id: string;
  channel: string;
}

/** What to do with an event. */
export type Step =
  | { to: 'post'; state: State; failures: number }
  | { to: 'update'; shown: Shown; state: State; failures: number; recovered?: true }
  /** The message stays as it is, and the event is only added to its thread. */
  | { to: 'note'; shown: Shown }
  /** The message shows the event already: this is another attempt at the steps that follow. */
  | { to: 'resume'; shown: Shown }
  | { to: 'nothing' };

/** A release that was rolled back did not succeed by that. */
const REMEDIES: readonly string[] = [Reason.RollbackSucceeded, Reason.UninstallSucceeded];

/**
 * The step for an event with this id. One message shows a rollout from its first event to its end. What comes after a good
 * end is a new message, as nobody is notified of a change; a failure stays until it is over, however often it is tried.
 */
export function nextStep(
  shown: Shown | undefined,
  event: FluxEvent,
  { id: eventId, rollout }: { id: string; rollout: Rollout },
): Step {
  const state = stateOf(event);
  const isNews = !onlyFinishes(event);
  const failed = state === 'failed' ? 1 : 0;
  if (shown?.event === eventId) return { to: 'resume', shown };
  if (shown === undefined || !isSame(shown, rollout) || shown.state === 'done') {
    return isNews ? { to: 'post', state, failures: failed } : { to: 'nothing' };
  }
  const failures = shown.failures + failed;
  if (shown.state === 'progressing' || state === 'failed') {
    return { to: 'update', shown, state, failures };
  }
  if (state === 'progressing' || REMEDIES.includes(event.reason)) return { to: 'note', shown };
  return { to: 'update', shown, state, failures, recovered: true };
}

export function stateOf(event: FluxEvent): State {
  if (isError(event)) return 'failed';
  return isProgressing(event) ? 'progressing' : 'done';
}

/** An event of a run that changed nothing: it ends what is under way, and is not worth a message of its own. */
export function onlyFinishes(event: FluxEvent): boolean {
  return event.metadata?.commit_status === 'update' && !isError(event);
}

/** A failure from before a revision was known is over with the next revision. */
function isSame(shown: Shown, { id }: Rollout): boolean {
  return shown.rollout === id || (shown.rollout === '' && shown.state === 'failed');
}

/** Parses what was kept; undefined for what is no message of this channel. */
export function readShown(kept: unknown, to: string): Shown | undefined {
  if (typeof kept !== 'object' || kept === null) return undefined;
  const shown = kept as Shown;
  const texts = [shown.to, shown.rollout, shown.event, shown.id, shown.channel];
  const isWhole =
    texts.every((text) => typeof text === 'string') &&
    ['progressing', 'failed', 'done'].includes(shown.state) &&
    Number.isSafeInteger(shown.failures);
  return isWhole && shown.to === to ? shown : undefined;
}
