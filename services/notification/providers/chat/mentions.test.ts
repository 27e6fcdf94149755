import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ProviderSpec } from '@weir/api';
import { eventOf, targetOf } from '../../testing/fixtures.ts';
import { ioOf } from '../../testing/io.ts';
import type { HttpRequest } from '../io/http.ts';
import { typeOf } from '../types.ts';

/** The markup that mentions people, by service, from the vendors' pages on formatting. */
const CALLS: [type: ProviderSpec['type'], text: string, call: RegExp][] = [
  ['slack', '<!channel> <!here> <!everyone> <@U024BE7LH> <!subteam^S1>', /<[!@]/],
  ['webex', '<@all> <@personEmail:a@example.com|A>', /<@/],
  ['zulip', '@**all** @**everyone** @_**A** @*admins*', /@_?\*/],
  ['lark', '<at id=all></at> <AT id=all></AT> </at>', /<\/?at\b/i],
  ['mastodon', '@admin @admin@example.com', /@\w/],
  ['googlechat', '<users/all> <a href="http://e.example">x</a>', /<(users|a)\b/],
  ['telegram', '[a](tg://user?id=1) @all', /(?<!\\)\]\(/],
];

async function sentBy(type: ProviderSpec['type'], text: string): Promise<string> {
  const sent: HttpRequest[] = [];
  const io = ioOf({
    request: async (request) => {
      sent.push(request);
      return { status: 200, headers: {}, text: '{}' };
    },
  });
  // Anybody who may post events chooses the object's name as well.
  const event = eventOf({ name: text }, { message: text, metadata: { [text]: text } });
  const target = targetOf({ address: 'https://chat.example.com/x', token: 't:1', channel: 'c/t' });
  await typeOf({ spec: { type } })?.send(event, target, io);
  const { body = '', headers = {} } = sent[0] ?? assert.fail('nothing was sent');
  if (headers['content-type'] !== 'application/json') {
    return new URLSearchParams(String(body)).get('content') ?? '';
  }
  const { attachments = [], cards = [], ...rest } = JSON.parse(String(body));
  // Titles are plain text there, by the references of the vendors.
  const texts = attachments.map(({ text, fallback, fields }: Record<string, unknown>) => [
    text,
    fallback,
    (fields as { value: string }[]).map(({ value }) => value),
  ]);
  const shown = cards.flatMap((card: { sections: unknown }) => card.sections);
  const { card, ...others } = rest;
  return JSON.stringify([texts, shown, card?.elements ?? [], others]).replaceAll('\\\\', '\\');
}

describe('no message calls anybody', () => {
  for (const [type, text, call] of CALLS) {
    it(type, async () => {
      const shown = (await sentBy(type, text)).replaceAll('"topLabel":"<users/all> <a', '');
      assert.doesNotMatch(shown, call);
    });
  }

  it('matrix: it says that nobody is mentioned', async () => {
    assert.match(await sentBy('matrix', '@room'), /"m\.mentions":\{\}/);
  });
});
