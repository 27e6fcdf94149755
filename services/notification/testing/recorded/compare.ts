// Compares what vendors got with what the real controller sent them.
import { createHash, createHmac } from 'node:crypto';
import type { VendorRequest } from './case.ts';
import type { KeptRequest } from './vendors.ts';

/** Headers of HTTP clients, which the cases leave out. */
const OF_CLIENTS = new Set([
  'accept',
  'accept-encoding',
  'connection',
  'content-length',
  'date',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'user-agent',
  'x-goog-request-params',
]);

/** The values of placeholders in a case, besides those that match anything. */
export interface Known {
  /** UIDs by `Kind/name`. */
  uids: ReadonlyMap<string, string>;
  /** The token of the Provider's Secret. */
  token: string;
  /** Of the event that was sent. */
  identity: string;
}

/** A vendor's request in the form of the case, without what may differ. */
export function normalized(request: KeptRequest, expected: VendorRequest): VendorRequest {
  const { method, path, query, headers, body } = request;
  const left = Object.entries(headers).filter(
    ([name]) =>
      !OF_CLIENTS.has(name) &&
      !name.startsWith(':') &&
      // Some clients set a content type although they send no body.
      !(name === 'content-type' && method === 'GET'),
  );
  return {
    method,
    path,
    ...(query === undefined ? {} : { query }),
    ...(expected.host === undefined ? {} : { host: request.host }),
    ...(expected.tls === undefined ? {} : { tls: request.tls ?? false }),
    ...(expected.viaProxy === undefined ? {} : { viaProxy: request.viaProxy ?? false }),
    headers: Object.fromEntries(left),
    ...(body === undefined ? {} : { body }),
  };
}

/** The case's request in the same form. */
export function asExpected(expected: VendorRequest): VendorRequest {
  const { headers = {}, ...rest } = expected;
  const left = Object.entries(headers).filter(
    ([name]) => !(name === 'content-type' && expected.method === 'GET'),
  );
  return { ...rest, headers: Object.fromEntries(left) };
}

/** Replaces placeholders by their values. A `<...>` that matches anything becomes the actual text. */
export function filled(expected: unknown, actual: unknown, known: Known, bytes: Buffer): unknown {
  if (typeof expected === 'string') return filledText(expected, actual, known, bytes);
  if (Array.isArray(expected)) {
    const items = Array.isArray(actual) ? actual : [];
    return expected.map((each, index) => filled(each, items[index], known, bytes));
  }
  if (typeof expected !== 'object' || expected === null) return expected;
  const fields = (typeof actual === 'object' && actual !== null ? actual : {}) as Record<
    string,
    unknown
  >;
  return Object.fromEntries(
    Object.entries(expected).map(([key, value]) => [key, filled(value, fields[key], known, bytes)]),
  );
}

const ANYTHING =
  /<(?:transaction id|span id|time of sending|host name|sdk|HMAC|expiry|JWT [^>]*>[^>]*)>|<JWT .*>/;

function filledText(text: string, actual: unknown, known: Known, bytes: Buffer): unknown {
  const uid = (what: string) => known.uids.get(what) ?? '';
  const provider = uid('Provider/p');
  const repeated = text.replace(/^(.*?)(.)<×(\d+)>(.*)$/s, (_, before, char, count, after) =>
    [before, String(char).repeat(Number(count)), after].join(''),
  );
  const replaced = repeated
    .replaceAll(
      /<first part of the uid of (\w+\/\w+)>/g,
      (_, what) => uid(what).split('-')[0] ?? '',
    )
    .replaceAll(/<uid of (\w+\/\w+)>/g, (_, what) => uid(what))
    .replaceAll(/<sha1 of (.*)\/first part of the Provider's uid>/g, (_, what) =>
      hash('sha1', `${what}/${provider.split('-')[0]}`),
    )
    .replaceAll(/<sha256 of 'uid of the Provider\/kind\/namespace\/name\/reason'>/g, () =>
      hash('sha256', `${provider}/${known.identity}`),
    )
    .replaceAll(/<first 16 bytes of sha256 of 'uid of the Alert:(.*)'>/g, (_, revision) =>
      hash('sha256', `${uid('Alert/a')}:${revision}`).slice(0, 32),
    )
    .replaceAll(/<HMAC-SHA256 of the exact body, hex>/g, () =>
      createHmac('sha256', known.token).update(bytes).digest('hex'),
    );
  if (!ANYTHING.test(replaced) || typeof actual !== 'string') return replaced;
  const pattern = replaced
    .split(new RegExp(ANYTHING, 'g'))
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('.+');
  return new RegExp(`^${pattern}$`, 's').test(actual) ? actual : replaced;
}

function hash(algorithm: string, text: string): string {
  return createHash(algorithm).update(text).digest('hex');
}

/** Lists of texts are in no order: sorted. */
export function sorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(sorted);
    return items.every((item) => typeof item === 'string') ? items.sort() : items;
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, sorted(each)]));
}
