// Keys that represent what objects have in common: objects with equal keys share work, and belong to the same replica.
import { createHash } from 'node:crypto';

/** SHA-256 of a value as JSON, so that credentials themselves are not kept. */
export function digestOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}

/**
 * The key that decides which replica owns an object. Objects that name Secrets share nothing with those of other
 * namespaces, where a Secret of the same name is another one.
 * @param own what is asked of the remote
 * @param secrets the Secrets that the spec names in its namespace; undefined for those that it doesn't name
 */
export function ownershipKeyOf(
  kind: string,
  namespace: string | undefined,
  own: readonly unknown[],
  secrets: Record<string, unknown>,
): string {
  const isAnonymous = Object.values(secrets).every((it) => it === undefined);
  return `${kind}/${digestOf([own, isAnonymous ? '' : namespace, secrets])}`;
}
