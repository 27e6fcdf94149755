import { isError, metadataEntries, objectTitle } from '../message.ts';
import { bearer, type ProviderType, postJson } from '../provider.ts';

/** Webex: a message in Markdown to a room. Format: Webex' "Create a Message". */
export const webex: ProviderType = {
  // A message has 7,439 bytes.
  textLimit: { bytes: 6_800 },
  async send(event, target, io) {
    const sign = isError(event) ? '💣' : '✅';
    const facts = metadataEntries(event).map(([key, value]) => `>**${key}**: ${value}\n`);
    const text = `${sign} **${objectTitle(event)}**\n${event.message}\n${facts.join('')}`;
    const message = { roomId: target.channel ?? '', markdown: withoutMentions(text) };
    await postJson(io, target.address, message, bearer(target.token));
  },
};

/** `<@all>` and `<@personEmail:...>` would notify people: a space of no width makes them text. */
function withoutMentions(text: string): string {
  return text.replaceAll('<@', '<\u200b@');
}
