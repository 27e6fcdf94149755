// Slack by a bot's token: one message a rollout, which changes until the rollout is over, with the details in its thread.
import { createHash } from 'node:crypto';
import type { FluxEvent } from '@weir/events';
import type { Io } from '../provider.ts';
import type { Target } from '../target.ts';
import { nextStep, onlyFinishes, readShown, type Shown, type Step, stateOf } from './progress.ts';
import { callSlack, SlackRefusal } from './slack-api.ts';
import { isCut, type Look, slackBody, slackDetails } from './slack-blocks.ts';
import { wordsOf } from './words.ts';

/** Errors of `chat.update` by which a message can't be changed any more, and is posted anew. */
const GONE = new Set([
  'message_not_found',
  'cant_update_message',
  'edit_window_closed',
  'channel_not_found',
]);

/** Sends an event; what was posted before for the same rollout is changed. Rejects as a type of Provider does. */
export async function sendAsBot(event: FluxEvent, target: Target, io: Io): Promise<void> {
  const kept = io.kept(`slack/${io.rollout.key}`);
  const step = nextStep(readShown(await kept.get(), placeOf(target)), event, io);
  if (step.to === 'nothing' || (step.to === 'resume' && step.shown.detailed)) return;
  const now = await showIn({ event, target, io }, step);
  // A message without an id can't be changed: its next event is a new one.
  if (now.id === '') return;
  if (step.to !== 'resume') await kept.put(now);
  if (now.detailed) return;
  await addDetails({ event, target, io }, now, step);
  await kept.put({ ...now, detailed: true });
}

interface Sending {
  event: FluxEvent;
  target: Target;
  io: Io;
}

/** Posts or changes the message. Its details are to be added to the thread where `detailed` is false. */
async function showIn(sending: Sending, step: Exclude<Step, { to: 'nothing' }>): Promise<Shown> {
  const { event, target, io } = sending;
  const about = { to: placeOf(target), rollout: io.rollout.id, event: io.id };
  if (step.to === 'resume') return step.shown;
  if (step.to === 'note') return { ...step.shown, event: io.id, detailed: false };
  const { state, failures } = step;
  const look: Look = {
    state,
    failures: io.rollout.quiet ? 0 : failures,
    words: wordsOf(target.provider.object.spec.locale),
    recovered: step.to === 'update' && step.recovered === true,
  };
  if (step.to === 'update' && (await change(step.shown, look, sending))) {
    const detailed = io.rollout.quiet === true || onlyFinishes(event);
    return { ...step.shown, ...about, state, failures, detailed };
  }
  const { channel = '', username } = target;
  const name = username || event.reportingController;
  const body = { channel, username: name, ...WITHOUT_PREVIEWS, ...slackBody(event, look) };
  const answer = await callSlack('chat.postMessage', target, body, io);
  const place = { id: answer.ts, channel: answer.channel || channel };
  return { ...about, ...place, state, failures, detailed: !isCut(event) };
}

/** False where the message can't be changed any more. */
async function change(shown: Shown, look: Look, { event, target, io }: Sending): Promise<boolean> {
  const body = { channel: shown.channel, ts: shown.id, ...slackBody(event, look) };
  try {
    await callSlack('chat.update', target, body, io);
    return true;
  } catch (error) {
    if (error instanceof SlackRefusal && GONE.has(error.error)) return false;
    throw error;
  }
}

/** The end of a failure is shown in the channel as well as in the thread: nobody is notified of a change. */
async function addDetails({ event, target, io }: Sending, shown: Shown, step: Step): Promise<void> {
  const isNews = step.to === 'update' && step.recovered === true;
  const body = {
    channel: shown.channel,
    thread_ts: shown.id,
    username: target.username || event.reportingController,
    ...(isNews ? { reply_broadcast: true } : {}),
    ...WITHOUT_PREVIEWS,
    ...slackDetails(event, stateOf(event)),
  };
  await callSlack('chat.postMessage', target, body, io);
}

/** Addresses in a message are not looked up for a preview. */
const WITHOUT_PREVIEWS = { unfurl_links: false, unfurl_media: false };

/** A message is changed only where and by whom it was posted. */
function placeOf({ address, channel, token }: Target): string {
  const parts = JSON.stringify([address, channel, token]);
  return createHash('sha256').update(parts).digest('base64url').slice(0, 22);
}
