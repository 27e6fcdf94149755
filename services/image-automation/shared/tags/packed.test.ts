import { deepEqual, equal, notEqual, rejects } from 'node:assert/strict';
import { test } from 'node:test';
import { packTags, unpackTags } from './packed.ts';
import { sortTags } from './sort.ts';

test('the checksum is that of Flux', async () => {
  // Go: adler32.Checksum([]byte(`["v1","b","a"]`)).
  const cases: [text: string, count: number, revision: string][] = [
    ['', 0, '18153657'],
    ['1.0.0', 1, '160432618'],
    ['v1 b a', 3, '418841415'],
  ];
  for (const [text, count, revision] of cases) {
    const { packed, length, latest, digest: _, ...summary } = await packTags(text);
    deepEqual(summary, { count, revision });
    equal(await unpackTags({ packed, length }), text);
    deepEqual(latest, text.split(' ').filter(Boolean));
  }
});

test('a text that did not change is not packed again', async () => {
  const before = await packTags('b a');
  equal(await packTags('b a', before), before);
  notEqual(await packTags('c a', before), before);
});

test('ten tags are shown of many', async () => {
  const text = Array.from({ length: 20 }, (_, index) => `t${index}`)
    .sort()
    .reverse()
    .join(' ');
  const { latest, count } = await packTags(text);
  deepEqual(latest, text.split(' ').slice(0, 10));
  equal(count, 20);
});

test('what is longer than it says, or is none, is refused', async () => {
  const { packed, length } = await packTags('a '.repeat(10_000).trim());
  await rejects(unpackTags({ packed, length: length - 1 }), /larger than/);
  await rejects(unpackTags({ packed: Buffer.from('none'), length }));
});

test('tags are sorted by their bytes, descending, whatever order they come in', async () => {
  equal(await sortTags([]), '');
  equal(await sortTags(['', '']), '');
  equal(await sortTags(['A a', '_x b']), 'b a _x A');
  equal(await sortTags(['1 2', '2 3', '4']), '4 3 2 2 1');
  const all = Array.from({ length: 60_000 }, (_, index) => `t${(index * 7_919) % 60_000}`);
  const pages = Array.from({ length: 60 }, (_, page) =>
    all.slice(page * 1_000, (page + 1) * 1_000),
  );
  const wanted = [...all].sort().reverse().join(' ');
  equal(await sortTags(pages.map((page) => page.join(' '))), wanted);
  const sorted = [...all].sort();
  const ascending = Array.from({ length: 60 }, (_, page) =>
    sorted.slice(page * 1_000, (page + 1) * 1_000),
  );
  equal(await sortTags(ascending.map((page) => page.join(' '))), wanted);
});
