// Messages for Slack in Block Kit (https://docs.slack.dev/reference/block-kit), inside one attachment for its colour bar.
import type { FluxEvent } from '@weir/events';
import { eventSeconds, metadataEntries, objectTitle } from '../message.ts';
import type { Look } from './in-place.ts';
import type { State } from './progress.ts';
import { SIGNS } from './words.ts';

/** Limits of "Section block": characters of a text, and fields. A field may have 2,000, and has less here. */
const MAX_TEXT = 3_000;
const MAX_FIELDS = 10;
/** A message with more text than about 12,000 characters is refused (`msg_blocks_too_long`). */
const MAX_CAUSE = 1_500;
const MAX_REST = 1_000;
const MAX_PARTS = 3;
const MAX_NAME = 150;
const MAX_VALUE = 350;

const COLORS: Readonly<Record<State, string>> = {
  progressing: 'warning',
  failed: 'danger',
  done: 'good',
};

type Block = Record<string, unknown>;

/** What a message holds besides channel and name. The first line is the object and what happened to it. */
export function slackBody(event: FluxEvent, look: Look) {
  const { cause, rest } = split(event);
  const title = `${SIGNS[look.state]} ${objectTitle(event)}`;
  const fields = factsOf(event).map(([key, value]) => {
    const name = escapedWithin(look.words.facts[key] ?? key, MAX_NAME);
    return mrkdwn(`*${name}*\n${escapedWithin(value, MAX_VALUE)}`);
  });
  const recovered = look.recovered ? `${look.words.recovered}: ` : '';
  const first = `*${escapedWithin(title, 600)}*: ${recovered}${escapedWithin(cause, MAX_CAUSE)}`;
  const blocks: Block[] = [
    { type: 'section', text: mrkdwn(first) },
    ...(rest === '' ? [] : [preformatted(escapedWithin(withoutFences(rest), MAX_REST))]),
    ...(fields.length === 0 ? [] : [{ type: 'section', fields: fields.slice(0, MAX_FIELDS) }]),
    { type: 'context', elements: [mrkdwn(about(event, look))] },
  ];
  const fallback = escapedWithin(`${title}: ${cause}`, 500);
  return { attachments: [{ color: COLORS[look.state], fallback, blocks }] };
}

/** Whether the message holds less than the event. */
export function isCut(event: FluxEvent): boolean {
  const { cause, rest } = split(event);
  const facts = factsOf(event);
  return (
    escapeText(cause).length > MAX_CAUSE ||
    escapeText(rest).length > MAX_REST ||
    facts.length > MAX_FIELDS ||
    facts.some(([, value]) => escapeText(value).length > MAX_VALUE)
  );
}

/** The whole message of an event, as far as Slack takes it, and what the message above has no room for. */
export function slackDetails(event: FluxEvent, state: State) {
  const facts = factsOf(event).filter(
    ([, value], index) => index >= MAX_FIELDS || escapeText(value).length > MAX_VALUE,
  );
  const more = facts.map(([key, value]) => `\n${key}: ${value}`).join('');
  const parts = inParts(`${event.message}${more}`);
  const [firstLine = ''] = event.message.split('\n');
  return {
    text: escapedWithin(`${SIGNS[state]} ${firstLine}`, 500),
    blocks: [...parts.map(preformatted), { type: 'context', elements: [mrkdwn(when(event))] }],
  };
}

/** As Slack asks for it; `<!channel>` in a message would call everybody otherwise ("Formatting text for app surfaces"). */
export function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function split({ message }: FluxEvent): { cause: string; rest: string } {
  const text = message.trim();
  const end = text.indexOf('\n');
  if (end < 0) return { cause: text, rest: '' };
  return { cause: text.slice(0, end).trimEnd(), rest: text.slice(end + 1).trimEnd() };
}

function factsOf(event: FluxEvent): [string, string][] {
  return metadataEntries(event).filter(([key, value]) => key !== 'commit_status' && value !== '');
}

function about(event: FluxEvent, { words, failures }: Look): string {
  const often = failures > 1 ? [words.failures(failures)] : [];
  const names = [event.reason, event.reportingController].map((name) => escapedWithin(name, 200));
  return [...often, ...names.filter((name) => name !== ''), when(event)].join(' · ');
}

/** Slack shows the time in the reader's own zone. */
function when(event: FluxEvent): string {
  const fallback = escapedWithin(event.timestamp, 40).replaceAll('|', '');
  return `<!date^${eventSeconds(event)}^{date_short_pretty} {time_secs}|${fallback}>`;
}

/** Nothing in it becomes a link or a mention by itself. */
function mrkdwn(text: string) {
  return { type: 'mrkdwn', text, verbatim: true };
}

/** The text is escaped, and has no three backticks in a row. */
function preformatted(text: string): Block {
  return { type: 'section', text: mrkdwn(`\`\`\`\n${text}\n\`\`\``) };
}

/** Three backticks would end the block that the text is in. */
function withoutFences(text: string): string {
  return text.replaceAll('```', '`\u200b`\u200b`');
}

function inParts(text: string): string[] {
  const parts: string[] = [];
  let left = withoutFences(text);
  while (left !== '' && parts.length < MAX_PARTS) {
    const isLast = parts.length === MAX_PARTS - 1;
    const { escaped, used } = escapedPart(left, MAX_TEXT - 20);
    left = left.slice(used);
    parts.push(isLast && left !== '' ? `${escaped}…` : escaped);
  }
  return parts.length === 0 ? ['-'] : parts;
}

/** The text escaped and cut to `max` characters: a character is left out as a whole, with its escape. */
function escapedWithin(text: string, max: number): string {
  const { escaped, used } = escapedPart(text, max);
  return used < text.length ? `${escapedPart(text, max - 1).escaped}…` : escaped;
}

function escapedPart(text: string, max: number): { escaped: string; used: number } {
  let escaped = '';
  let used = 0;
  for (const char of text) {
    const next = escapeText(char);
    if (escaped.length + next.length > max) break;
    escaped += next;
    used += char.length;
  }
  return { escaped, used };
}
