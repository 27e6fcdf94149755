import { isError, metadataEntries, objectTitle, requiredToken, shortened } from '../message.ts';
import { bearer, type ProviderType, postJson } from '../provider.ts';

/** What servers take unless they are set up otherwise, in characters. */
const MAX_STATUS = 500;

/**
 * Mastodon: a status of the token's account, as visible as its settings say. The `Idempotency-Key` keeps a repeated
 * attempt from posting twice. Format: Mastodon's "Post a new status".
 */
export const mastodon: ProviderType = {
  async send(event, target, io) {
    const url = new URL(target.address);
    url.pathname = `${url.pathname.replace(/\/$/, '')}/api/v1/statuses`;
    const sign = isError(event) ? '🚨' : '💫';
    const facts = metadataEntries(event).map(([key, value]) => `\n${key}: ${value}`);
    const text = `${sign} ${objectTitle(event)}\n${event.message}${facts.join('')}`;
    const status = shortened(withoutMentions(text), MAX_STATUS);
    const headers = { ...bearer(requiredToken(target)), 'idempotency-key': io.id };
    await postJson(io, url.href, { status }, headers);
  },
};

/** `@name` would notify whoever has that name: a space of no width makes it text. */
function withoutMentions(text: string): string {
  return text.replace(/@(?=\w)/g, '@\u200b');
}
