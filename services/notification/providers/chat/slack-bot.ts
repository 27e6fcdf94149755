// Slack by a bot's token: one message a rollout, which changes until the rollout is over, with the details in its thread.
import type { FluxEvent } from '@weir/events';
import type { Io } from '../provider.ts';
import type { Target } from '../target.ts';
import { showInPlace } from './in-place.ts';
import { onlyFinishes, stateOf } from './progress.ts';
import { callSlack, SlackRefusal } from './slack-api.ts';
import { isCut, slackBody, slackDetails } from './slack-blocks.ts';

/** Errors of `chat.update` by which a message can't be changed any more, and is posted anew. */
const GONE = new Set([
  'message_not_found',
  'cant_update_message',
  'edit_window_closed',
  'channel_not_found',
]);

/** Addresses in a message are not looked up for a preview. */
const WITHOUT_PREVIEWS = { unfurl_links: false, unfurl_media: false };

/** Sends an event; what was posted before for the same rollout is changed. Rejects as a type of Provider does. */
export async function sendAsBot(event: FluxEvent, target: Target, io: Io): Promise<void> {
  const { address, channel = '', token } = target;
  const username = target.username || event.reportingController;
  await showInPlace(event, target, io, {
    type: 'slack',
    place: [address, channel, token],
    async post(look) {
      const body = { channel, username, ...WITHOUT_PREVIEWS, ...slackBody(event, look) };
      const answer = await callSlack('chat.postMessage', target, body, io);
      return { id: answer.ts, channel: answer.channel || channel };
    },
    async change(shown, look) {
      const body = { channel: shown.channel, ts: shown.id, ...slackBody(event, look) };
      try {
        await callSlack('chat.update', target, body, io);
        return true;
      } catch (error) {
        if (error instanceof SlackRefusal && GONE.has(error.error)) return false;
        throw error;
      }
    },
    details(step, recovered) {
      if (step === 'post' ? !isCut(event) : onlyFinishes(event) && !recovered) return undefined;
      return async (shown) => {
        const body = {
          ...{ channel: shown.channel, thread_ts: shown.id, username, ...WITHOUT_PREVIEWS },
          // The end of a failure is shown in the channel as well: nobody is notified of a change.
          ...(recovered ? { reply_broadcast: true } : {}),
          ...slackDetails(event, stateOf(event)),
        };
        await callSlack('chat.postMessage', target, body, io);
      };
    },
  });
}
