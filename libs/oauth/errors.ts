/**
 * No access token could be obtained. The message says from where it was requested and why that failed; it contains
 * nothing of a key or a token.
 */
export class TokenError extends Error {
  override name = 'TokenError';
}
