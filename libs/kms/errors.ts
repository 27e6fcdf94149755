/** A key management service gave no key. The message says which service and why, and has nothing of a secret or an answer in it. */
export class KmsError extends Error {
  override name = 'KmsError';
}
