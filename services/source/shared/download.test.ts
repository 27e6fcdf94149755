import { deepEqual, equal, rejects } from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { digestOf } from '@weir/artifact';
import { download } from './download.ts';

let dir: string;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'weir-download-'));
});
after(() => rm(dir, { recursive: true, force: true }));

async function* parts(fails: boolean): AsyncGenerator<Buffer> {
  yield Buffer.from('some');
  if (fails) throw new Error('broken');
  yield Buffer.from('thing');
}

test('what is downloaded is a file of known digest and size', async () => {
  const { file, digest, size } = await download(parts(false), dir);
  deepEqual([digest, size], [digestOf(Buffer.from('something')), 9]);
  equal(await readFile(file, 'utf8'), 'something');
  await rm(file);
});

test('a download that fails leaves nothing', async () => {
  await rejects(download(parts(true), dir), /broken/);
  deepEqual(await readdir(dir), []);
});
