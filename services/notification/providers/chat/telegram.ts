import { invalidProvider, isError, metadataEntries, requiredToken } from '../message.ts';
import { type ProviderType, postJson } from '../provider.ts';

const API = 'https://api.telegram.org';
/** A token is part of the URL: nothing but what BotFather gives out may become one. */
const TOKEN = /^[A-Za-z0-9:_-]{1,200}$/;

/** Telegram, by a bot: a text in MarkdownV2 to the chat that is the channel. Format: Telegram's Bot API, "sendMessage". */
export const telegram: ProviderType = {
  // A text has 4,096 characters after its marks are taken off.
  textLimit: { characters: 3_800 },
  address: 'none',
  certificates: 'none',
  async send(event, target, io) {
    const token = requiredToken(target);
    if (!TOKEN.test(token)) throw invalidProvider("'token' in the secret is no token of a bot");
    if (!target.channel) throw invalidProvider('spec.channel is missing: the id of the chat');
    const { kind, namespace, name } = event.involvedObject;
    const sign = isError(event) ? '🚨' : '💫';
    const title = escapeMarkdown(`${sign} ${kind.toLowerCase()}/${name}/${namespace}`);
    const facts = metadataEntries(event).map(
      ([key, value]) => `\\- *${escapeMarkdown(key)}*: ${escapeMarkdown(value)}\n`,
    );
    await postJson(io, `${API}/bot${token}/sendMessage`, {
      chat_id: target.channel,
      text: `*${title}*\n${escapeMarkdown(event.message)}\n${facts.join('')}`,
      parse_mode: 'MarkdownV2',
    });
  },
};

/** The characters that "MarkdownV2 style" wants escaped everywhere. */
function escapeMarkdown(text: string): string {
  return text.replace(/[_*[\]()~`>#+\-=|{}.!\\]/g, '\\$&');
}
