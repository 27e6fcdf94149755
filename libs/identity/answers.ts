// Parses answers of JSON APIs, and checks them before anything is used.
import { invalidAnswer } from './errors.ts';
import type { CloudAnswer, Problem } from './net.ts';

export type Json = Readonly<Record<string, unknown>>;

/** @throws IdentityError InvalidAnswer that quotes nothing of the answer */
export function jsonOf(answer: CloudAnswer, service: string): Json {
  const parsed = parse(answer.text);
  if (parsed === undefined) throw invalidAnswer(`the answer of ${service} is no JSON object`);
  return parsed;
}

/** Undefined for what is no JSON object. */
export function parse(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Json) : undefined;
  } catch {
    return undefined;
  }
}

/** An object within an object; empty where there is none. */
export function objectAt(value: unknown, name: string): Json {
  const inner = (Object(value) as Json)[name];
  return typeof inner === 'object' && inner !== null ? (inner as Json) : {};
}

/**
 * A text of visible ASCII, such as a token or a key; a missing or empty one is an error.
 * @throws IdentityError InvalidAnswer
 */
export function textAt(value: Json, name: string, service: string): string {
  const text = value[name];
  if (typeof text === 'string' && /^[\x21-\x7e]{1,65536}$/.test(text)) return text;
  throw invalidAnswer(`the answer of ${service} has no '${name}'`);
}

/** A number, or digits. @throws IdentityError InvalidAnswer */
export function numberAt(value: Json, name: string, service: string): number {
  const found = value[name];
  const number = typeof found === 'string' && found !== '' ? Number(found) : found;
  if (typeof number === 'number' && Number.isFinite(number)) return number;
  throw invalidAnswer(`the answer of ${service} has no '${name}'`);
}

/**
 * A date as ms since 1970.
 * @throws IdentityError InvalidAnswer
 */
export function timeAt(value: Json, name: string, service: string): number {
  const found = value[name];
  const time = typeof found === 'string' ? Date.parse(found) : Number.NaN;
  if (Number.isNaN(time)) throw invalidAnswer(`the answer of ${service} has no '${name}'`);
  return time;
}

/** Errors of OAuth 2 (RFC 6749, 5.2): `error` and `error_description`. */
export function oauthProblem({ text }: CloudAnswer): Problem | undefined {
  const { error, error_description: description } = parse(text) ?? {};
  if (typeof error !== 'string') return undefined;
  return { code: error, message: typeof description === 'string' ? description : undefined };
}

/** Errors of Google's APIs: `{ error: { code, status, message } }`; those of OAuth 2 besides. */
export function googleProblem(answer: CloudAnswer): Problem | undefined {
  const { error } = parse(answer.text) ?? {};
  if (typeof error !== 'object' || error === null) return oauthProblem(answer);
  const { status, message } = error as Json;
  if (typeof status !== 'string') return undefined;
  return { code: status, message: typeof message === 'string' ? message : undefined };
}

/** A form as a body (`application/x-www-form-urlencoded`), and its header. */
export function formOf(fields: Readonly<Record<string, string>>) {
  return {
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    body: new URLSearchParams(fields).toString(),
  };
}
