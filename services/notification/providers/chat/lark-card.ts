// Cards for Feishu and Lark, of the JSON structure 1.0 (https://open.feishu.cn/document/common-capabilities/message-card).
import type { FluxEvent } from '@weir/events';
import { metadataEntries, objectTitle, shortened } from '../message.ts';
import type { Look } from './in-place.ts';
import type { State } from './progress.ts';
import { SIGNS } from './words.ts';

/** Feishu refuses a card of more than 30 KB (code 230025), with the request around it. */
const MAX_CARD_BYTES = 24 * 1024;
const MAX_TITLE = 200;
const MAX_CAUSE = 1_500;
const MAX_REST = 4_000;
const MAX_FACTS = 20;
const MAX_VALUE = 300;

/** Colours of a card's header. */
const TEMPLATES: Readonly<Record<State, string>> = {
  progressing: 'blue',
  failed: 'red',
  done: 'green',
};

/**
 * A card that can be changed. Its title is the object with what happened to it, and the cause of a failure. What others
 * wrote is plain text throughout, in which nothing is a mention, a link or markup.
 */
export function larkCard(event: FluxEvent, look: Look): object {
  const [first = '', ...others] = event.message.trim().split('\n');
  const { words } = look;
  const state = look.recovered ? words.recovered : words.state[look.state];
  const start = `${SIGNS[look.state]} ${shortened(objectTitle(event), MAX_TITLE)} ${state}`;
  const title = look.state === 'failed' ? `${start}: ${shortened(first, MAX_TITLE)}` : start;
  let room = MAX_REST;
  for (;;) {
    const card = {
      // Without `update_multi` a card can't be changed.
      config: { wide_screen_mode: true, update_multi: true },
      header: { title: plain(title), template: TEMPLATES[look.state] },
      elements: [
        ...texts([shortened(first, MAX_CAUSE), shortened(others.join('\n').trim(), room)]),
        ...facts(event, look, room),
        { tag: 'note', elements: [plain(about(event, look))] },
      ],
    };
    // A character is three bytes or more in Chinese.
    if (room < 100 || Buffer.byteLength(JSON.stringify(card)) <= MAX_CARD_BYTES) return card;
    room = Math.floor(room / 2);
  }
}

function texts(lines: string[]): object[] {
  return lines.filter((line) => line !== '').map((line) => ({ tag: 'div', text: plain(line) }));
}

function facts(event: FluxEvent, { words }: Look, room: number): object[] {
  const fields = metadataEntries(event)
    .filter(([key, value]) => key !== 'commit_status' && value !== '')
    .slice(0, MAX_FACTS)
    .map(([key, value]) => {
      const name = shortened(words.facts[key] ?? key, 100);
      const text = plain(`${name}\n${shortened(value, Math.min(MAX_VALUE, room))}`);
      return { is_short: value.length <= 60, text };
    });
  return fields.length === 0 ? [] : [{ tag: 'hr' }, { tag: 'div', fields }];
}

function about(event: FluxEvent, { words, failures }: Look): string {
  const often = failures > 1 ? [words.failures(failures)] : [];
  const names = [event.reason, event.reportingController, event.timestamp];
  return [
    ...often,
    ...names.filter((name) => name !== '').map((name) => shortened(name, 200)),
  ].join(' · ');
}

function plain(content: string) {
  return { tag: 'plain_text', content };
}
