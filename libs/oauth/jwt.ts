import { type KeyObject, sign } from 'node:crypto';

/** Makes a token signed with an RSA key by RS256 (RFC 7519; RFC 7518, 3.3). */
export function signJwt(header: object, claims: object, key: KeyObject): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part(header)}.${part(claims)}`;
  return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`;
}
