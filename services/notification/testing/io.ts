// What a type of Provider is given, for tests of one type.
import assert from 'node:assert/strict';
import { createExpiringCache, createSerial } from '@weir/async';
import type { Kept, Posts } from '../delivery/posts.ts';
import { createHttp } from '../providers/io/http.ts';
import { createIo } from '../providers/io/io.ts';
import { createLookup } from '../providers/io/lookup.ts';
import { createPaces } from '../providers/io/paces.ts';
import type { Io } from '../providers/provider.ts';
import { alertOf } from './fixtures.ts';

/** Whatever isn't given is refused, or empty. */
export function ioOf(more: Partial<Io> = {}): Io {
  const { signal } = new AbortController();
  return {
    request: () => assert.fail('nothing is sent by HTTP'),
    open: () => assert.fail('nothing is sent but by HTTP'),
    policy: {},
    evaluate: () => assert.fail('there is no expression'),
    cloudToken: () => assert.fail('no cloud is asked'),
    paces: createPaces(),
    tokens: createExpiringCache({ max: 10 }),
    serial: createSerial(),
    rollout: { key: 'k', id: 'r' },
    kept: keptInMemory().at.bind(undefined, 'flux-system'),
    order: 1,
    alert: alertOf(),
    id: 'e1',
    signal,
    ...more,
  };
}

/** What is kept for as long as the test runs. */
export function keptInMemory(): Posts {
  const values = new Map<string, object>();
  return {
    at(namespace, key): Kept {
      const place = JSON.stringify([namespace, key]);
      return {
        get: async () => values.get(place),
        put: async (value) => void values.set(place, structuredClone(value)),
      };
    },
  };
}

/** Real connections to servers of the test, with the caches that all attempts share. */
export function localIo(posts: Posts = keptInMemory()) {
  const network = { resolverFor: createLookup({ concurrency: 2 }), allowLocal: true };
  return createIo(
    network,
    createHttp(network),
    () => async (expression) => expression,
    posts,
    () => () => assert.fail('no cloud is asked'),
  );
}
