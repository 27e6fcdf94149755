// The API server quotes values that it could not read. The quoted value of a Secret may be the secret itself.
import type { KubeObject } from '@weir/kube';

const MASK = '***';
/** The form in which structured-merge-diff prints a value of the wrong type. */
const DUMP = /&value\.value\w+\{.*\}/gs;
/** Shorter values are not masked, because they also occur as parts of ordinary words. */
const MIN_LENGTH = 4;

/** The text without the values of the object, if the object is a Secret: neither as plain text nor in base64. */
export function withoutSecrets(object: KubeObject, text: string): string {
  if (object.kind !== 'Secret' || object.apiVersion !== 'v1') return text;
  const values = [...leaves(object.data), ...leaves(object.stringData)].flatMap((value) => [
    value,
    Buffer.from(value).toString('base64'),
    Buffer.from(value, 'base64').toString(),
  ]);
  return withoutValues(text.replace(DUMP, MASK), values, MASK);
}

/** The text with a mask in the place of each of the values that isn't too short to be a secret. */
export function withoutValues(text: string, values: readonly string[], mask: string): string {
  return values
    .filter((value) => value.length >= MIN_LENGTH)
    .sort((a, b) => b.length - a.length)
    .reduce((masked, value) => masked.replaceAll(value, mask), text);
}

function leaves(value: unknown): string[] {
  if (value === null || value === undefined) return [];
  if (typeof value !== 'object') return [String(value)];
  return Object.values(value).flatMap(leaves);
}
