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
    const said = parse(answer);
    if (said?.ok !== false) return;
    const error = String(said.error ?? 'unknown error');
    throw new DeliveryError('Refused', `Slack responded with error: ${error}`, {
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
