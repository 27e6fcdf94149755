import { invalidProvider, statusMarkdown } from '../message.ts';
import { basic, type ProviderType } from '../provider.ts';

/** Zulip: a message in Markdown to `<channel>/<topic>`. Format: Zulip's "Send a message". */
export const zulip: ProviderType = {
  // A message has 10,000 characters.
  textLimit: { characters: 9_500 },
  async send(event, target, io) {
    const [to = '', ...topic] = (target.channel ?? '').split('/');
    if (!to || topic.length === 0) {
      throw invalidProvider('spec.channel must be <channel>/<topic>');
    }
    const form = new URLSearchParams({
      type: 'stream',
      to,
      topic: topic.join('/'),
      content: withoutMentions(statusMarkdown(event)),
    });
    const { username, password } = target;
    await io.request({
      url: new URL('/api/v1/messages', target.address).href,
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        ...(username && password ? basic(username, password) : {}),
      },
      body: form.toString(),
    });
  },
};

/** `@**all**` would notify everybody, `@*group*` a group: a space of no width makes them text. */
function withoutMentions(text: string): string {
  return text.replace(/@(?=_?\*)/g, '@\u200b');
}
