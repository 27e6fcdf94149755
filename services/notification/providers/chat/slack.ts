import type { FluxEvent } from '@weir/events';
import { DeliveryError } from '../../delivery/errors.ts';
import { isError, objectTitle } from '../message.ts';
import { bearer, type Io, type ProviderType, postJson } from '../provider.ts';
import type { Target } from '../target.ts';
import { slackMessage } from './slack-message.ts';

/** Errors of Slack's Web API after which the same message may well be taken later. */
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

/** Slack, by an incoming webhook or by `chat.postMessage` with a bot token: one attachment, green or red. */
export const slack: ProviderType = {
  async send(event: FluxEvent, target: Target, io: Io) {
    const [firstLine] = event.message.split('\n');
    const message = slackMessage(event, {
      channel: target.channel ?? '',
      username: target.username || event.reportingController,
      color: isError(event) ? 'danger' : 'good',
      fallback: `${objectTitle(event)}: ${firstLine}`,
      escape: escapeText,
    });
    const { text } = await postJson(io, target.address, message, bearer(target.token));
    checkAnswer(text);
  },
};

/** As Slack asks for it; `<!channel>` in a message would call everybody otherwise ("Formatting text for app surfaces"). */
function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** A webhook answers `ok`; the Web API answers 200 with `{"ok": false, "error": ...}` too. Throws DeliveryError. */
export function checkAnswer(answer: string): void {
  const parsed = parse(answer);
  if (parsed?.ok !== false) return;
  const error = String(parsed.error);
  // One of Slack's words, or nothing: who chose the address could have us read out what another service answers.
  const named = ERROR_WORD.test(error) ? error : 'unknown error';
  throw new DeliveryError('Refused', `Slack responded with error: ${named}`, {
    permanent: !PASSING.has(error),
  });
}

function parse(answer: string): { ok?: unknown; error?: unknown } | undefined {
  if (!answer.trimStart().startsWith('{')) return undefined;
  try {
    return JSON.parse(answer) as { ok?: unknown; error?: unknown };
  } catch (error) {
    throw new DeliveryError('Refused', 'Slack answered with malformed JSON', {
      permanent: false,
      cause: error,
    });
  }
}
