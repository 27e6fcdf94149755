// Texts that stand for what objects have in common: those with equal ones share work, and belong to the same replica.
import { createHash } from 'node:crypto';

/** SHA-256 of a value as JSON: of credentials, nothing but that is kept. */
export function digestOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}

/**
 * What decides which replica owns an object. Objects that name Secrets share nothing with those of other namespaces, whose
 * Secrets of the same name are others.
 * @param own what is asked of the remote
 * @param secrets what the spec names in its namespace; undefined for what it doesn't
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
