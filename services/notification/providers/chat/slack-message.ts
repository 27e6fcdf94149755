// The body that Slack's incoming webhooks take, and with them Discord and Rocket.Chat.
import type { FluxEvent } from '@weir/events';
import { metadataEntries, objectTitle } from '../message.ts';

export interface SlackStyle {
  channel: string;
  username: string;
  color: string;
  /** What a client shows that can't show attachments. */
  fallback?: string;
  /** Makes a text harmless for the service. */
  escape?(text: string): string;
}

/** One attachment whose fields are the metadata. Format: Slack's "Secondary message attachments" reference. */
export function slackMessage(event: FluxEvent, style: SlackStyle) {
  const { channel, username, color, fallback = '', escape: harmless = (text) => text } = style;
  return {
    channel,
    username,
    icon_url: '',
    icon_emoji: '',
    attachments: [
      {
        fallback: harmless(fallback),
        color,
        author_name: objectTitle(event),
        text: harmless(event.message),
        mrkdwn_in: ['text'],
        fields: metadataEntries(event).map(([key, value]) => ({
          title: key,
          value: harmless(value),
          short: false,
        })),
      },
    ],
  };
}
