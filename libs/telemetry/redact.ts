import { maskUrl } from './mask.ts';
import { isSecretKey } from './secretkeys.ts';
import { MASK } from './urls.ts';

const MAX_DEPTH = 6;
/** What one record may hold: values at all depths, and characters in all its strings. */
const MAX_VALUES = 2_000;
const MAX_CHARACTERS = 131_072;
/** The longest key that is written, in characters. */
const MAX_KEY = 256;

interface Budget {
  values: number;
  characters: number;
}

/**
 * A copy of a log record in which the values of secret keys are masked, and what `maskUrl` finds in strings.
 * It is bounded in depth, in values and in characters, so that a record that quotes what a tenant wrote stays small.
 */
export function redact(record: Record<string, unknown>): Record<string, unknown> {
  return redactObject(record, 0, { values: MAX_VALUES, characters: MAX_CHARACTERS });
}

/**
 * Redacts a finished log line, whose text may come from child bindings and messages too. Returns a JSON line
 * with a line end, and never throws: a line that is no JSON object is written as the `msg` of one.
 */
export function redactLine(line: string): string {
  return `${JSON.stringify(redact(parseLine(line)))}\n`;
}

function parseLine(line: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(line);
    if (isRecord(parsed)) return parsed;
    return { level: 'error', msg: line, note: 'this line was no JSON object' };
  } catch {
    return { level: 'error', msg: line, note: 'this line was no JSON' };
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function redactObject(record: object, depth: number, budget: Budget): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const key in record) {
    if (!Object.hasOwn(record, key)) continue;
    if (budget.values <= 0) {
      copy['...'] = '[more fields are left out]';
      break;
    }
    const value = Reflect.get(record, key);
    const name = key.length > MAX_KEY ? `${key.slice(0, MAX_KEY)}...` : key;
    budget.characters -= name.length;
    copy[name] = isSecretKey(name) && value != null ? MASK : redactValue(value, depth + 1, budget);
  }
  return copy;
}

function redactValue(value: unknown, depth: number, budget: Budget): unknown {
  budget.values--;
  if (typeof value === 'string') return redactText(value, budget);
  if (typeof value !== 'object' || value === null) return value;
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (depth > MAX_DEPTH) return '[too deep]';
  if (Array.isArray(value)) return redactArray(value, depth, budget);
  // Only plain data is walked: errors and dates have serializers of their own.
  const prototype = Object.getPrototypeOf(value);
  const isPlain = prototype === Object.prototype || prototype === null;
  return isPlain ? redactObject(value, depth, budget) : value;
}

function redactArray(values: readonly unknown[], depth: number, budget: Budget): unknown[] {
  const copy: unknown[] = [];
  for (const value of values) {
    if (budget.values <= 0) {
      copy.push(`[${values.length - copy.length} more are left out]`);
      break;
    }
    copy.push(redactValue(value, depth + 1, budget));
  }
  return copy;
}

function redactText(text: string, budget: Budget): string {
  if (budget.characters <= 0) return `[${text.length} characters are left out]`;
  const masked = maskUrl(text);
  budget.characters -= masked.length;
  return masked;
}
