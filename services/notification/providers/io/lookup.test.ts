import assert from 'node:assert/strict';
import type { LookupAddress } from 'node:dns';
import { it } from 'node:test';
import type { Resolver } from '@weir/net';
import { createLookup, type LookupFor } from './lookup.ts';

/** A name server that never answers for names of `silent.example`. */
function resolverOf(address: string) {
  const hanging: string[] = [];
  const resolver: Resolver = (host, _, callback) => {
    if (host.endsWith('silent.example')) hanging.push(host);
    else callback(null, [{ address, family: 4 }]);
  };
  return { resolver, hanging };
}

function resolve(lookupFor: LookupFor, namespace: string, host: string, signal: AbortSignal) {
  return new Promise<string | LookupAddress[]>((done, fail) => {
    lookupFor(namespace, signal)(host, {}, (error, address) =>
      error ? fail(error) : done(address),
    );
  });
}

it('keeps room for others while the names of one namespace never resolve', async () => {
  const { resolver, hanging } = resolverOf('10.0.0.1');
  const lookupFor = createLookup({ allowLocal: false, concurrency: 4, resolver });
  const gone = new AbortController();
  const stuck = Array.from({ length: 20 }, (_, i) =>
    resolve(lookupFor, 'hostile', `h${i}.silent.example`, gone.signal),
  );
  for (const promise of stuck.slice(3)) promise.catch(() => undefined);
  const { signal } = new AbortController();
  assert.equal(await resolve(lookupFor, 'victim', 'chat.example', signal), '10.0.0.1');
  assert.equal(hanging.length, 3);
  gone.abort(new Error('the attempt is over'));
  await assert.rejects(stuck[10] ?? assert.fail(), /the attempt is over/);
  // The threads of the first three are held until their name server answers, and no more are taken.
  assert.equal(await resolve(lookupFor, 'victim', 'chat.example', signal), '10.0.0.1');
  assert.equal(hanging.length, 3);
});

it('refuses a name that resolves to this machine', async () => {
  const { resolver } = resolverOf('127.0.0.1');
  const { signal } = new AbortController();
  const strict = createLookup({ allowLocal: false, concurrency: 4, resolver });
  await assert.rejects(resolve(strict, 'a', 'chat.example', signal), { reason: 'AddressRefused' });
  const open = createLookup({ allowLocal: true, concurrency: 4, resolver });
  assert.equal(await resolve(open, 'a', 'chat.example', signal), '127.0.0.1');
});
