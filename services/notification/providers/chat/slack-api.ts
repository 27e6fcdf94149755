// Slack's Web API (https://docs.slack.dev/apis/web-api): calls with a bot's token, answers, and the rate that Slack allows.
import { DeliveryError } from '../../delivery/errors.ts';
import { bearer, type Io, postJson } from '../provider.ts';
import type { Target } from '../target.ts';

/** Errors after which the same message may well be taken later. */
const PASSING = new Set([
  'ratelimited',
  'rate_limited',
  'internal_error',
  'fatal_error',
  'request_timeout',
  'service_unavailable',
]);

/** What errors of Slack's Web API look like: `channel_not_found`. */
const ERROR_WORD = /^[a-z]+(_[a-z]+){0,7}$/;

/** What Slack refused, by its word for it. */
export class SlackRefusal extends DeliveryError {
  readonly error: string;

  constructor(error: string) {
    super('Refused', `Slack responded with error: ${error}`, { permanent: !PASSING.has(error) });
    this.error = error;
  }
}

export interface SlackAnswer {
  channel: string;
  ts: string;
}

/** Calls a method with the bot's token. Rejects with SlackRefusal, and with what a request rejects with. */
export async function callSlack(
  method: 'chat.postMessage' | 'chat.update',
  target: Target,
  body: object,
  io: Io,
): Promise<SlackAnswer> {
  const url = new URL(target.address);
  url.pathname = url.pathname.replace(/chat\.postMessage$/, method);
  const { channel, ts } = (await postToSlack(url.href, target, body, io)) ?? {};
  return { channel: textOf(channel), ts: textOf(ts) };
}

/**
 * Posts to Slack, no faster than it wants messages to come with that token into that channel. Resolves with the answer
 * where it is an object.
 */
export function postToSlack(
  url: string,
  { namespace, address, channel, token }: Target,
  body: object,
  io: Io,
): Promise<Record<string, unknown> | undefined> {
  return io.paces.run([namespace, address, channel, token], async () => {
    const { text } = await postJson(io, url, body, bearer(token));
    return checkAnswer(text);
  });
}

/** Whether the Provider posts as a bot, by the Web API; an incoming webhook has no token. */
export function isWebApi({ address, token }: Pick<Target, 'address' | 'token'>): boolean {
  return Boolean(token) && isMethod(address);
}

/** Whether the address is that of the Web API's method for messages. */
export function isMethod(address: string): boolean {
  return URL.parse(address)?.pathname.endsWith('/chat.postMessage') ?? false;
}

/**
 * What an answer says: a webhook answers `ok`, the Web API 200 with `{"ok": false, "error": ...}` too. Undefined for an
 * answer that is no object. Throws SlackRefusal.
 */
export function checkAnswer(answer: string): Record<string, unknown> | undefined {
  const parsed = parse(answer);
  if (parsed?.ok !== false) return parsed;
  const error = String(parsed.error);
  // One of Slack's words, or nothing: who chose the address could have us read out what another service answers.
  throw new SlackRefusal(ERROR_WORD.test(error) ? error : 'unknown error');
}

function parse(answer: string): Record<string, unknown> | undefined {
  if (!answer.trimStart().startsWith('{')) return undefined;
  try {
    return JSON.parse(answer) as Record<string, unknown>;
  } catch (cause) {
    const message = 'Slack answered with malformed JSON';
    throw new DeliveryError('Refused', message, { permanent: false, cause });
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, 200) : '';
}
