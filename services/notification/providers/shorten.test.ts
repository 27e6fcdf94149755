import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ProviderSpec } from '@weir/api';
import { eventOf, targetOf } from '../testing/fixtures.ts';
import { ioOf } from '../testing/io.ts';
import { shortenEvent } from './shorten.ts';
import { typeOf } from './types.ts';

type Check = (body: string) => void;
const bytes =
  (most: number): Check =>
  (body) =>
    assert.ok(Buffer.byteLength(body) <= most, `${Buffer.byteLength(body)} bytes`);
/** Each of the texts that a path of the body leads to. */
const texts =
  (most: number, of: (body: never) => string[]): Check =>
  (body) => {
    const all = of(JSON.parse(body) as never);
    assert.ok(all.length > 0);
    for (const text of all) assert.ok(text.length <= most, `${text.length} characters`);
  };

/** Checks for what vendors refuse, according to their own pages on limits. */
const LIMITS: [type: ProviderSpec['type'], check: Check][] = [
  ['telegram', texts(4_096, ({ text }: { text: string }) => [text.replace(/\\(?=\W)/g, '')])],
  [
    'discord',
    texts(4_096, (body: { attachments: { text: string }[] }) =>
      body.attachments.map(({ text }) => text),
    ),
  ],
  [
    'rocket',
    texts(5_000, (body: { attachments: { text: string }[] }) =>
      body.attachments.map(({ text }) => text),
    ),
  ],
  ['webex', texts(7_439, ({ markdown }: { markdown: string }) => [markdown])],
  ['webex', bytes(7_900)],
  ['msteams', bytes(28_000)],
  ['googlechat', bytes(32_000)],
  ['matrix', bytes(65_000)],
  ['lark', bytes(20_000)],
  ['opsgenie', texts(15_000, ({ description }: { description: string }) => [description])],
  ['datadog', texts(4_000, ({ text }: { text: string }) => [text])],
];

const WORST = {
  long: 'not ready: a/b, '.repeat(2_400),
  lines: '"\n'.repeat(19_000),
  chinese: '部署失败 '.repeat(7_000),
};
const MANY = Object.fromEntries(
  Array.from({ length: 900 }, (_, i) => [`key-${i}`, 'v'.repeat(20)]),
);

describe('a message has room at', () => {
  for (const [type, check] of LIMITS) {
    it(type, async () => {
      for (const [name, message] of Object.entries(WORST)) {
        for (const metadata of [{ revision: 'r1' }, MANY]) {
          const provider = typeOf({ spec: { type } }) ?? assert.fail(type);
          const sent: string[] = [];
          const io = ioOf({
            async request({ body = '' }) {
              sent.push(String(body));
              return { status: 200, headers: {}, text: '{}' };
            },
          });
          const { textLimit = assert.fail(`${type} has no bound`) } = provider;
          const event = shortenEvent(eventOf({}, { message, metadata }), textLimit);
          const target = targetOf({
            address: 'https://a.example.com/x',
            token: 't:1',
            channel: 'c',
          });
          await provider.send(event, target, io);
          assert.equal(sent.length, 1, name);
          check(sent[0] ?? '');
          assert.ok(event.message.length >= 200, 'and says what is the matter');
        }
      }
    });
  }

  it('any of them as it is, where it is short', () => {
    const event = eventOf({}, { message: 'x'.repeat(1_000) });
    assert.equal(shortenEvent(event, { characters: 2_000 }), event);
    assert.equal(shortenEvent(event, { bytes: 2_000 }), event);
  });
});
