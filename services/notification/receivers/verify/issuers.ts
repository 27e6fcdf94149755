// The keys of issuers, which are fetched again from time to time.
import type { JsonWebKey } from 'node:crypto';
import { createBoundedMap, createSingleFlight } from '@weir/async';
import { isRecord } from './request.ts';

/** Reads the keys of an issuer; with `fresh` they are fetched again if they are more than a few seconds old. */
export type KeysOf = (
  key: string,
  read: () => Promise<JsonWebKey[]>,
  options?: { fresh?: boolean },
) => Promise<JsonWebKey[]>;

const KEPT_MS = 10 * 60_000;
/** The shortest time between two fetches because of an unknown key, as anybody can make such a token. Milliseconds. */
const FRESH_MS = 10_000;
const MAX_ISSUERS = 1_000;

export function keepKeys(now: () => number = () => performance.now()): KeysOf {
  const known = createBoundedMap<string, { keys: JsonWebKey[]; atMs: number }>({
    max: MAX_ISSUERS,
  });
  const flight = createSingleFlight<JsonWebKey[]>();
  return async (key, read, { fresh = false } = {}) => {
    const found = known.get(key);
    if (found !== undefined && now() - found.atMs < (fresh ? FRESH_MS : KEPT_MS)) return found.keys;
    return flight(key, async () => {
      const keys = await read();
      known.set(key, { keys, atMs: now() });
      return keys;
    });
  };
}

/** The keys of a JWK Set (RFC 7517, 5). */
export function keysIn(value: unknown): JsonWebKey[] {
  const keys = isRecord(value) ? value.keys : undefined;
  return Array.isArray(keys) ? (keys.filter(isRecord) as JsonWebKey[]) : [];
}
