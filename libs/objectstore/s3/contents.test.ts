import { deepEqual, equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import { S3_KEYS } from '@weir/cluster';
import { openBucket } from '../index.ts';
import { startScripted } from '../testing/index.ts';
import { takeContents } from './contents.ts';

const NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';
const entry = (key: string, etag = '&quot;e&quot;') =>
  `<Contents><Key>${key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>${etag}</ETag><Size>7</Size></Contents>`;
const page = (content: string) =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult ${NAMESPACE}><Name>b</Name>${content}<IsTruncated>false</IsTruncated></ListBucketResult>`;

test('entries are taken out of a page, and the rest is left', () => {
  const taken = takeContents(page(`${entry('a')}\n${entry('b&amp;&lt;&#65;', '"f"')}`));
  deepEqual(taken?.entries, [
    { key: 'a', etag: '"e"', size: '7' },
    { key: 'b&<A', etag: '"f"', size: '7' },
  ]);
  equal(taken?.rest, page('\n'));
  deepEqual(takeContents(page(''))?.entries, []);
});

/** Pages that are XML, but not as object stores write it. */
const unusual = [
  page(`<!-- <Contents><Key>none</Key></Contents> -->${entry('a')}`),
  page(entry('<![CDATA[a]]>')),
  page(entry('a').replace('<Contents>', '<Contents index="1">')),
  page(entry('a').replace('<Key>', '<Key index="1">')),
  page(entry('a').replace('<ETag>', '<ETag >').replace('</ETag>', '</ETag >')),
];

test('a page that is written in another way is left to the SDK, and has the same objects', async () => {
  for (const xml of unusual) {
    equal(takeContents(xml), undefined, xml);
    const server = await startScripted((_, response) => response.end(xml));
    const bucket = openBucket({
      ...{ endpoint: server.endpoint, bucket: 'bucket', region: 'us-east-1' },
      ...{ insecure: true, allowLocal: true },
      credentials: { accessKeyId: S3_KEYS.accesskey, secretAccessKey: S3_KEYS.secretkey },
    });
    const keys: string[] = [];
    for await (const objects of bucket.list('', { signal: AbortSignal.timeout(10_000) })) {
      keys.push(...objects.map(({ key, etag, size }) => `${key} ${etag} ${size}`));
    }
    bucket.close();
    await server.close();
    deepEqual(keys, ['a e 7'], xml);
  }
});

test('what is no page, or has no end, is none', () => {
  for (const xml of ['', 'text', '<Error><Contents></Contents></Error>', page('<Contents><Key>')]) {
    equal(takeContents(xml), undefined, xml);
  }
});

test('tags without an end take no time', () => {
  const startedAt = performance.now();
  equal(takeContents(page('<Contents>'.repeat(800_000))), undefined);
  equal(takeContents(page(`${'<Contents>'.repeat(800_000)}</Contents>`)), undefined);
  equal(takeContents(page(`<Contents>${'<Key>'.repeat(1_000_000)}</Contents>`)), undefined);
  ok(performance.now() - startedAt < 5_000);
});
