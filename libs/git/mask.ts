// Masks secrets in URLs and in texts of others.
import { MASK, maskUrl } from '@weir/telemetry';

/**
 * Masks secrets, and everything that may be one: in all URLs of the text the user information and the values of the
 * query.
 * @param secrets masked everywhere; the longest first, as one may contain another
 */
export function mask(text: string, secrets: readonly string[]): string {
  const known = secrets.filter((secret) => secret.length > 0).sort((a, b) => b.length - a.length);
  return maskUrl(known.reduce((rest, secret) => rest.replaceAll(secret, MASK), text));
}

/** The values in a URL's query, as written and decoded: a server may repeat them in its texts. */
export function querySecrets(url: string): string[] {
  const query = /\?([^#]*)/.exec(url)?.[1] ?? '';
  const raw = query.split('&').map((parameter) => parameter.slice(parameter.indexOf('=') + 1));
  const decoded = [...new URLSearchParams(query).values()];
  // A short value, such as a page number, would be masked throughout the message.
  return [...new Set([...raw, ...decoded])].filter((value) => value.length >= 6);
}

/** Text from outside on one line: without control and formatting characters, and no longer than `max` characters. */
export function cleanLine(text: string, max: number): string {
  const line = text
    .slice(0, 4 * max)
    .replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim();
  const characters = [...line];
  return characters.length > max ? `${characters.slice(0, max).join('')}...` : line;
}
