import { isError } from '../message.ts';
import { type ProviderType, postJson } from '../provider.ts';
import { slackMessage } from './slack-message.ts';

/**
 * Discord, by the form of a webhook that takes Slack's messages: its address ends in `/slack`. The text is in an embed,
 * in which Discord notifies nobody. Format: Discord's "Execute Slack-Compatible Webhook".
 */
export const discord: ProviderType = {
  // The description of an embed has 4,096 characters, and all of its texts 6,000.
  textLimit: { characters: 3_800 },
  certificates: 'none',
  async send(event, target, io) {
    const url = new URL(target.address);
    if (!url.pathname.endsWith('/slack')) {
      url.pathname = `${url.pathname.replace(/\/$/, '')}/slack`;
    }
    const message = slackMessage(event, {
      channel: '',
      username: target.username || event.reportingController,
      color: isError(event) ? 'danger' : 'good',
    });
    await postJson(io, url.href, message);
  },
};
