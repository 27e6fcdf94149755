import { deepEqual, doesNotMatch, match } from 'node:assert/strict';
import { test } from 'node:test';
import { formatSize, words } from './words.ts';

test('sizes are written as Flux writes them', () => {
  const sizes = [0, 411, 999, 1_000, 1_368, 33_443_848, 5_000_000_000];
  deepEqual(sizes.map(formatSize), ['0B', '411B', '999B', '1kB', '1.368kB', '33.44MB', '5GB']);
});

test('no event has the credentials of a URL', () => {
  const told = (url: string) =>
    words.storedEvent({
      ...{ apiVersion: 'source.toolkit.fluxcd.io/v1', kind: 'HelmRepository' },
      ...{ metadata: { name: 'charts' }, spec: { url, provider: 'generic' } },
    });
  match(
    told('https://example.com/charts'),
    /^stored fetched index of size 0B from 'https:\/\/example\.com\/charts'$/,
  );
  doesNotMatch(told('https://user:s3cret-pw@example.com/charts'), /s3cret-pw/);
});
