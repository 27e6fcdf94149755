/** A request to a forge that failed. The message names the URL and never holds a secret, nor what the server said. */
export class ForgeError extends Error {
  override readonly name = 'ForgeError';
}
