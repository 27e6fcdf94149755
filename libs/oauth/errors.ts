/** There is no access token. The message says where it was asked for and why there is none; nothing of a key or a token is in it. */
export class TokenError extends Error {
  override name = 'TokenError';
}
