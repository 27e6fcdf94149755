import { DeliveryError } from '../../delivery/errors.ts';
import { isError, metadataEntries, objectTitle } from '../message.ts';
import { type ProviderType, postJson } from '../provider.ts';

/** Codes by which Feishu asks to come back later: too many requests, by bot and by tenant. */
const PASSING = new Set([11232, 99991400]);

/**
 * Lark, known as Feishu in China: an interactive card by a custom bot's webhook, turquoise or red.
 * Format: Feishu open platform, "Custom bot usage guide".
 */
export const lark: ProviderType = {
  certificates: 'none',
  async send(event, target, io) {
    const failed = isError(event);
    const details = metadataEntries(event).map(([key, value]) => `${key}: ${value}\n`);
    const content = withoutMentions(`**${event.message}**\n\n${details.join('')}`);
    const card = {
      config: { wide_screen_mode: true },
      header: {
        title: { tag: 'plain_text', content: `${failed ? '🚨' : '💫'} ${objectTitle(event)}` },
        template: failed ? 'red' : 'turquoise',
      },
      elements: [{ tag: 'div', text: { tag: 'lark_md', content } }],
    };
    const { text } = await postJson(io, target.address, { msg_type: 'interactive', card });
    checkAnswer(text);
  },
};

/** `<at id=all></at>` would notify everybody: the entity makes it text. */
function withoutMentions(text: string): string {
  return text.replace(/<(?=\/?at\b)/gi, '&#60;');
}

/** The bot answers 200 to everything; whether it took the message is in `code`. Throws DeliveryError. */
export function checkAnswer(answer: string): void {
  const code = parse(answer);
  if (code === undefined || code === 0) return;
  // The number alone: who chose the address could have us read out what another service answers.
  const number = typeof code === 'number' ? code : undefined;
  throw new DeliveryError('Refused', `Lark responded with code ${number ?? 'unknown'}`, {
    permanent: !PASSING.has(number ?? 0),
  });
}

/** `code`, or as older bots call it `StatusCode`; undefined for an answer without. */
function parse(answer: string): unknown {
  if (!answer.trim()) return undefined;
  try {
    const parsed = JSON.parse(answer) as { code?: unknown; StatusCode?: unknown } | null;
    return parsed?.code ?? parsed?.StatusCode;
  } catch (error) {
    throw new DeliveryError('Refused', 'Lark answered with something that is not JSON', {
      permanent: false,
      cause: error,
    });
  }
}
