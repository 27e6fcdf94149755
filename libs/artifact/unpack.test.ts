import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { decodeFileIndex, encodeFileIndex } from './file-index.ts';
import { packInMemory } from './testing/pack.ts';
import { readFileIndex } from './unpack.ts';

async function fileWith(t: TestContext, bytes: Uint8Array): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'weir-unpack-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const path = join(dir, 'a.tar.gz');
  await writeFile(path, bytes);
  return path;
}

it('reads the file index that packing made', async (t) => {
  const contents = ['a', 'b'.repeat(100_000), ''];
  const files = contents.map((text, i) => ({
    path: `f${i}`,
    mode: 0o644,
    content: Buffer.from(text),
  }));
  const { bytes, fileIndex } = await packInMemory(files);
  assert.deepEqual({ ...(await readFileIndex(await fileWith(t, bytes))) }, { ...fileIndex });
});

it('reads archives of others: folders, links and paths with a dot in front', async (t) => {
  const archive = pack();
  archive.entry({ name: './dir/', type: 'directory' });
  archive.entry({ name: './dir/link', type: 'symlink', linkname: '/etc/passwd' });
  archive.entry({ name: './dir/file' }, 'x');
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  const path = await fileWith(t, gzipSync(Buffer.concat(chunks)));
  assert.deepEqual(Object.keys(await readFileIndex(path)), ['dir/file']);
});

it('stops at its limits: a small archive may hold a lot', async (t) => {
  const { bytes } = await packInMemory([
    { path: 'zeros', mode: 0o644, content: Buffer.alloc(5_000_000) },
    { path: 'other', mode: 0o644, content: Buffer.from('x') },
  ]);
  assert.ok(bytes.length < 10_000);
  const path = await fileWith(t, bytes);
  await assert.rejects(readFileIndex(path, { maxBytes: 1_000_000 }), {
    reason: 'ArtifactTooLarge',
  });
  await assert.rejects(readFileIndex(path, { maxFiles: 1 }), { reason: 'ArtifactTooLarge' });
});

it('says so when it is no archive', async (t) => {
  const { bytes } = await packInMemory([
    { path: 'a', mode: 0o644, content: Buffer.alloc(9_000, 'x') },
  ]);
  for (const damaged of [
    Buffer.from('x'),
    bytes.subarray(0, bytes.length - 20),
    gzipSync('no tar'),
  ]) {
    await assert.rejects(readFileIndex(await fileWith(t, damaged)), { reason: 'ArtifactInvalid' });
  }
});

it('stores a file index and finds out that it was damaged', async () => {
  const fileIndex = { 'a/b': 'sha256:1', constructor: 'sha256:2' };
  const encoded = await encodeFileIndex(fileIndex);
  assert.deepEqual({ ...(await decodeFileIndex(encoded)) }, fileIndex);
  for (const damaged of [Buffer.from('x'), gzipSync('x'), gzipSync('7')]) {
    await assert.rejects(decodeFileIndex(damaged), { reason: 'ArtifactInvalid' });
  }
});
