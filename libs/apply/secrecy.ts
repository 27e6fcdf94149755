// The API server quotes what it could not read; of a Secret that may be the secret.
import type { KubeObject } from '@weir/kube';

const MASK = '***';
/** How a value of the wrong type is dumped by structured-merge-diff. */
const DUMP = /&value\.value\w+\{.*\}/gs;
/** Shorter ones are part of ordinary words; what quotes them is dumped or in quotes. */
const MIN_LENGTH = 4;

/** The text without any value of the object, if that is a Secret, neither as it is nor in base64. */
export function withoutSecrets(object: KubeObject, text: string): string {
  if (object.kind !== 'Secret' || object.apiVersion !== 'v1') return text;
  const values = [...leaves(object.data), ...leaves(object.stringData)]
    .flatMap((value) => [
      value,
      Buffer.from(value).toString('base64'),
      Buffer.from(value, 'base64').toString(),
    ])
    .filter((value) => value.length >= MIN_LENGTH)
    .sort((a, b) => b.length - a.length);
  return values.reduce((masked, value) => masked.replaceAll(value, MASK), text.replace(DUMP, MASK));
}

function leaves(value: unknown): string[] {
  if (value === null || value === undefined) return [];
  if (typeof value !== 'object') return [String(value)];
  return Object.values(value).flatMap(leaves);
}
