import { isError } from '../message.ts';
import { type ProviderType, postJson } from '../provider.ts';
import { slackMessage } from './slack-message.ts';

/** Rocket.Chat, by an incoming webhook. Format: Rocket.Chat's "Incoming webhooks", which take Slack's attachments. */
export const rocket: ProviderType = {
  // A server takes 5,000 characters unless it is told otherwise.
  textLimit: { characters: 4_700 },
  async send(event, target, io) {
    const message = slackMessage(event, {
      channel: target.channel ?? '',
      username: target.username ?? '',
      color: isError(event) ? '#FF0000' : '#0076D7',
    });
    await postJson(io, target.address, message);
  },
};
