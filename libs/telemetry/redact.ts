import { maskSecrets } from './mask.ts';
import { isSecretKey } from './secretkeys.ts';
import { MASK } from './urls.ts';

const JSON_STRING_FIELD = /"([\w-]{1,64})":"(?:[^"\\]|\\.)*"/g;

const MAX_DEPTH = 6;

/** Masks a finished JSON line: what `maskSecrets` finds, and the strings under secret keys (child bindings). */
export function maskLine(line: string): string {
  return maskSecrets(line).replace(JSON_STRING_FIELD, (field, key: string) =>
    isSecretKey(key) ? `"${key}":"${MASK}"` : field,
  );
}

/** A copy of a log record in which the values of secret keys are masked, at any depth up to six. */
export function redact(record: Record<string, unknown>): Record<string, unknown> {
  return redactObject(record, 0);
}

function redactObject(record: object, depth: number): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(record)) {
    copy[key] = isSecretKey(key) && value != null ? MASK : redactValue(value, depth + 1);
  }
  return copy;
}

function redactValue(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth > MAX_DEPTH) return '[too deep]';
  if (Array.isArray(value)) return value.map((item) => redactValue(item, depth + 1));
  // Only plain data is walked: errors, dates and buffers have serializers of their own.
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null ? redactObject(value, depth) : value;
}
