import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { createContentsFile } from './contents-file.ts';

async function setup(t: TestContext) {
  const dir = await mkdtemp(join(tmpdir(), 'weir-contents-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const path = join(dir, 'contents');
  return { path, contents: createContentsFile(path) };
}

test('little never gets to the disk', async (t) => {
  const { path, contents } = await setup(t);
  const chunk = Buffer.from('one');
  await contents.append(chunk);
  chunk.fill('x');
  await contents.append(Buffer.from('two'));
  equal(contents.size(), 6);
  equal(`${await buffer(contents.read(0, 3))}`, 'one', 'what was appended is copied');
  equal(`${await buffer(contents.read(2, 3))}`, 'etw');
  equal(`${await buffer(contents.read(6, 0))}`, '');
  ok(!existsSync(path));
  await contents.remove();
});

test('more is read back as it was, wherever and in whatever order', async (t) => {
  const { path, contents } = await setup(t);
  // Pieces that end within a chunk, a chunk that is larger than a piece, and a tail in memory.
  const chunks = [...Array.from({ length: 40 }, (_, n) => n * 1_000 + 7), 700_000, 3].map((size) =>
    randomBytes(size),
  );
  for (const chunk of chunks) await contents.append(chunk);
  const all = Buffer.concat(chunks);
  equal(contents.size(), all.length);
  ok((await stat(path)).size < all.length, 'the tail is in memory');
  const parts = chunks.map((chunk, n) => {
    const offset = chunks.slice(0, n).reduce((sum, { length }) => sum + length, 0);
    return { offset, size: chunk.length };
  });
  for (const { offset, size } of [
    ...parts,
    ...parts.toReversed(),
    { offset: 0, size: all.length },
  ]) {
    const read = await buffer(contents.read(offset, size));
    ok(read.equals(all.subarray(offset, offset + size)), `${size} bytes at ${offset}`);
  }
  await truncate(path, 10);
  await rejects(buffer(contents.read(0, 700_000)), /cut short on disk/);
  await contents.remove();
  deepEqual(existsSync(path), false);
});
