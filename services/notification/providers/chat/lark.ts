import { createHmac } from 'node:crypto';
import type { ProviderSpec } from '@weir/api';
import type { FluxEvent } from '@weir/events';
import { invalidProvider, isError, metadataEntries, objectTitle } from '../message.ts';
import { type Io, type ProviderType, postJson } from '../provider.ts';
import type { Target } from '../target.ts';
import { isAppBot, isHook, sendAsApp } from './lark-app.ts';
import { larkCard } from './lark-card.ts';
import { checkAnswer } from './lark-codes.ts';
import { onlyFinishes, stateOf } from './progress.ts';
import { wordsOf } from './words.ts';

/**
 * Lark, known as Feishu in China: interactive cards, by the webhook of a custom bot, signed where the Secret has the bot's
 * `secret`; or by an app, whose card changes until a rollout is over. Format of the webhook: Feishu open platform, "Custom
 * bot usage guide". Without a locale its card is Flux's.
 */
export const lark: ProviderType = {
  // A request to a custom bot has 20 KB.
  textLimit: { bytes: 16_000 },
  certificates: 'none',
  address: 'optional',
  takesCommitStatus: mayBeApp,
  updates: isAppBot,
  async send(event, target, io) {
    if (isAppBot(target)) return sendAsApp(event, target, io);
    // Of others these are none that come here: an annotation may say the same, and is a message.
    if (onlyFinishes(event) && mayBeApp(target.provider.object.spec)) return;
    await sendToHook(event, target, io);
  },
};

/** Whether there is an app is in the Secret. */
function mayBeApp({ address, secretRef }: ProviderSpec): boolean {
  return secretRef !== undefined && (address === undefined || !isHook(address));
}

async function sendToHook(event: FluxEvent, target: Target, io: Io): Promise<void> {
  const { address, provider, secret } = target;
  if (!address) {
    throw invalidProvider(
      "no address: set spec.address, or 'address' in the secret; or 'app_id' and 'app_secret' of an app",
    );
  }
  const { locale } = provider.object.spec;
  const card = locale === undefined ? fluxCard(event) : localCard(event, locale);
  const key = secret?.get('secret')?.toString('utf8').trim();
  const signed = key ? signature(key) : {};
  const { text } = await postJson(io, address, { ...signed, msg_type: 'interactive', card });
  checkAnswer(text);
}

function localCard(event: FluxEvent, locale: Parameters<typeof wordsOf>[0]): object {
  const words = wordsOf(locale);
  return larkCard(event, { state: stateOf(event), words, failures: 0, recovered: false });
}

/** "Custom bot usage guide", signature verification: seconds and secret are the key, and nothing is signed with it. */
function signature(secret: string): { timestamp: string; sign: string } {
  const timestamp = String(Math.floor(Date.now() / 1_000));
  const sign = createHmac('sha256', `${timestamp}\n${secret}`).update('').digest('base64');
  return { timestamp, sign };
}

/** Turquoise or red, as Flux has it. */
function fluxCard(event: FluxEvent): object {
  const failed = isError(event);
  const details = metadataEntries(event).map(([key, value]) => `${key}: ${value}\n`);
  const content = withoutMentions(`**${event.message}**\n\n${details.join('')}`);
  return {
    config: { wide_screen_mode: true },
    header: {
      title: { tag: 'plain_text', content: `${failed ? '🚨' : '💫'} ${objectTitle(event)}` },
      template: failed ? 'red' : 'turquoise',
    },
    elements: [{ tag: 'div', text: { tag: 'lark_md', content } }],
  };
}

/** `<at id=all></at>` would notify everybody: the entity makes it text. */
function withoutMentions(text: string): string {
  return text.replace(/<(?=\/?at\b)/gi, '&#60;');
}
