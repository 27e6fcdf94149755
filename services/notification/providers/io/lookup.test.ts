import assert from 'node:assert/strict';
import type { LookupAddress } from 'node:dns';
import { it } from 'node:test';
import type { Resolver } from '@weir/net';
import { createLookup, type ResolverFor } from './lookup.ts';

/** A name server that never answers for names of `silent.example`. */
function resolverOf(address: string) {
  const hanging: string[] = [];
  const resolver: Resolver = (host, _, callback) => {
    if (host.endsWith('silent.example')) hanging.push(host);
    else callback(null, [{ address, family: 4 }]);
  };
  return { resolver, hanging };
}

function resolve(resolverFor: ResolverFor, namespace: string, host: string) {
  return new Promise<LookupAddress[]>((done, fail) => {
    resolverFor(namespace)(host, { all: true }, (error, addresses) =>
      error ? fail(error) : done(addresses),
    );
  });
}

it('keeps room for others while the names of one namespace never resolve', async () => {
  const { resolver, hanging } = resolverOf('10.0.0.1');
  const resolverFor = createLookup({ concurrency: 4, resolver, patienceMs: 200 });
  const stuck = Array.from({ length: 20 }, (_, i) =>
    resolve(resolverFor, 'hostile', `h${i}.silent.example`),
  );
  const failures = Promise.allSettled(stuck.slice(3));
  const found = [{ address: '10.0.0.1', family: 4 }];
  assert.deepEqual(await resolve(resolverFor, 'victim', 'chat.example'), found);
  assert.equal(hanging.length, 3);
  for (const { status } of await failures) assert.equal(status, 'rejected');
  // The threads of the first three are held until their name server answers, and no more are taken.
  assert.deepEqual(await resolve(resolverFor, 'victim', 'chat.example'), found);
  assert.equal(hanging.length, 3);
});
