// One message for each rollout, which changes in place: what Slack's bots and Feishu's apps have in common.
import { createHash } from 'node:crypto';
import type { FluxEvent } from '@weir/events';
import type { Io } from '../provider.ts';
import type { Target } from '../target.ts';
import { nextStep, readShown, type Shown, type State, type Step } from './progress.ts';
import { type Words, wordsOf } from './words.ts';

/** What a message shows. */
export interface Look {
  state: State;
  words: Words;
  /** How often the rollout has failed; shown from the second time on. */
  failures: number;
  /** Whether the failure that the message showed is over. */
  recovered: boolean;
}

/** Where messages are posted and changed. All methods reject as a type of Provider does. */
export interface Board {
  /** Distinguishes what is kept for this type from that of others. */
  type: string;
  /** What makes a message this Provider's own: its channel and its credentials. Only a digest of it is kept. */
  place: readonly (string | undefined)[];
  /** Posts a message, and resolves with its id; `id` is empty if it can't be changed. */
  post(look: Look): Promise<{ id: string; channel: string }>;
  /** Changes a message; false if it is gone, or can't be changed any more. */
  change(shown: Shown, look: Look): Promise<boolean>;
  /** What an event adds below its message, after a step; undefined for nothing. */
  details(step: 'post' | 'update' | 'note', recovered: boolean): Details | undefined;
}

type Details = (shown: Shown) => Promise<void>;

/** Shows an event in the message of its rollout. An attempt that was interrupted is continued where it ended. */
export async function showInPlace(
  event: FluxEvent,
  target: Target,
  io: Io,
  board: Board,
): Promise<void> {
  const to = createHash('sha256').update(JSON.stringify(board.place)).digest('base64url');
  const kept = io.kept(`${board.type}/${io.rollout.key}`);
  const step = nextStep(readShown(await kept.get(), to), event, io);
  if (step.to === 'nothing' || (step.to === 'resume' && step.shown.detailed)) return;
  const recovered = step.to === 'update' && step.recovered === true;
  const { shown, by } = await show(step, lookOf(step, recovered, target, io), { to, io, board });
  // A message without an id can't be changed: its next event is posted as a new one.
  if (shown.id === '') return;
  const details = io.rollout.quiet ? undefined : board.details(by, recovered);
  if (step.to !== 'resume') await kept.put({ ...shown, detailed: details === undefined });
  if (details === undefined) return;
  await details(shown);
  await kept.put({ ...shown, detailed: true });
}

function lookOf(step: Step, recovered: boolean, target: Target, { rollout }: Io): Look {
  const { state, failures } = 'state' in step ? step : { state: 'done' as const, failures: 0 };
  const words = wordsOf(target.provider.object.spec.locale);
  return { state, failures: rollout.quiet ? 0 : failures, words, recovered };
}

interface Showing {
  to: string;
  io: Io;
  board: Board;
}

async function show(
  step: Exclude<Step, { to: 'nothing' }>,
  look: Look,
  { to, io, board }: Showing,
): Promise<{ shown: Shown; by: 'post' | 'update' | 'note' }> {
  if (step.to === 'resume') return { shown: step.shown, by: 'note' };
  if (step.to === 'note') return { shown: { ...step.shown, event: io.id }, by: 'note' };
  const { state, failures } = step;
  const now = { to, rollout: io.rollout.id, event: io.id, state, failures, detailed: false };
  if (step.to === 'update' && (await board.change(step.shown, look))) {
    return { shown: { ...step.shown, ...now }, by: 'update' };
  }
  return { shown: { ...now, ...(await board.post(look)) }, by: 'post' };
}
