import { DeliveryError } from '../delivery/errors.ts';
import { metadataEntries, objectTitle, type Sender } from './sender.ts';

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

/**
 * Slack, by an incoming webhook or by `chat.postMessage` with a bot token: one attachment, green
 * or red, its fields the metadata. Format: Slack's "Secondary message attachments" reference.
 */
export const slack: Sender = {
  message(event, target) {
    const title = objectTitle(event);
    const [firstLine] = event.message.split('\n');
    const payload = {
      ...(target.channel ? { channel: target.channel } : {}),
      username: target.username || event.reportingController,
      attachments: [
        {
          fallback: `${title}: ${firstLine}`,
          color: event.severity === 'error' ? 'danger' : 'good',
          author_name: title,
          text: event.message,
          mrkdwn_in: ['text'],
          fields: metadataEntries(event).map(([key, value]) => ({
            title: key,
            value,
            short: false,
          })),
        },
      ],
    };
    return {
      body: JSON.stringify(payload),
      headers: target.token ? { authorization: `Bearer ${target.token}` } : {},
    };
  },

  /** A webhook answers `ok`; the Web API answers 200 with `{"ok": false, "error": ...}` too. */
  check(answer) {
    const parsed = parse(answer);
    if (parsed?.ok !== false) return;
    const error = String(parsed.error);
    // One of Slack's words, or nothing: who chose the address could have us read out what another service answers.
    const named = ERROR_WORD.test(error) ? error : 'unknown error';
    throw new DeliveryError('Refused', `Slack responded with error: ${named}`, {
      permanent: !PASSING.has(error),
    });
  },
};

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
