import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import { digestOf } from './digest.ts';
import { type FileEntry, packArtifact, type StreamedFile } from './pack.ts';
import { packInMemory } from './testing/pack.ts';

function file(path: string, content = path, mode = 0o100644): FileEntry {
  return { path, mode, content: Buffer.from(content) };
}

/** A file whose content comes in pieces of three bytes. */
function streamed(path: string, content: string, size = content.length): StreamedFile {
  async function* pieces() {
    for (let at = 0; at < content.length; at += 3) yield Buffer.from(content.slice(at, at + 3));
  }
  return { path, mode: 0o100644, size, content: pieces() };
}

async function unpack(bytes: Buffer): Promise<{ header: Header; content: string }[]> {
  const archive = extract();
  archive.end(gunzipSync(bytes));
  const entries = [];
  for await (const entry of archive)
    entries.push({ header: entry.header, content: await text(entry) });
  return entries;
}

it('packs the same content into the same bytes, whatever the order', async () => {
  const files = ['b/z.yaml', 'a.yaml', 'b/a.yaml', 'ä.yaml', 'b-c'].map((path) => file(path));
  const one = await packInMemory(files);
  const two = await packInMemory(files.toReversed());
  assert.equal(one.digest, two.digest);
  assert.ok(one.bytes.equals(two.bytes));
  assert.equal(one.digest, digestOf(one.bytes));
  assert.equal(one.size, one.bytes.length);
  const paths = (await unpack(one.bytes)).map(({ header }) => header.name);
  assert.deepEqual(paths, ['a.yaml', 'b-c', 'b/a.yaml', 'b/z.yaml', 'ä.yaml']);
});

it('keeps its format: the digest of a fixed content does not change', async () => {
  const { bytes } = await packInMemory([file('a.yaml', 'kind: A\n'), file('run', '#!', 0o100755)]);
  assert.equal(
    digestOf(gunzipSync(bytes)),
    'sha256:0fe274fe22579d509c34f798d6ebbe70c0c467070be4ade4af9ed4372f63c3ff',
  );
});

it('knows no times, owners or other modes', async () => {
  const { bytes } = await packInMemory([file('a', 'x', 0o100664), file('run', 'x', 0o100755)]);
  assert.deepEqual([...bytes.subarray(0, 10)], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
  for (const { header } of await unpack(bytes)) {
    assert.equal(header.mtime?.getTime(), 0);
    assert.deepEqual([header.uid, header.gid, header.uname, header.gname], [0, 0, '', '']);
    assert.equal(header.mode, header.name === 'run' ? 0o700 : 0o600);
  }
});

it('drops symlinks and submodules', async () => {
  const { fileIndex } = await packInMemory([
    file('a'),
    file('link', '/etc/passwd', 0o120000),
    file('module', '', 0o160000),
  ]);
  assert.deepEqual(Object.keys(fileIndex), ['a']);
});

it('lists the digest of every file', async () => {
  async function* entries() {
    yield streamed('__proto__', 'two');
    yield streamed('a', 'one');
  }
  const { fileIndex } = await packInMemory(entries());
  assert.equal(fileIndex.a, digestOf(Buffer.from('one')));
  assert.deepEqual(Object.keys(fileIndex).sort(), ['__proto__', 'a']);
});

it('keeps long and large things whole', async () => {
  const path = `${'d'.repeat(120)}/${'f'.repeat(200)}.yaml`;
  const content = 'line\n'.repeat(200_000);
  const [entry] = await unpack((await packInMemory([file(path, content)])).bytes);
  assert.deepEqual([entry?.header.name, entry?.content.length], [path, content.length]);
  assert.deepEqual(await unpack((await packInMemory([])).bytes), []);
});

it('refuses paths that leave the archive, and the same one twice', async () => {
  for (const path of ['../a', 'a/../b', '/a', 'a//b', './a', '', 'a\0b']) {
    await assert.rejects(packInMemory([file(path)]), { reason: 'ArtifactInvalid' }, path);
  }
  await assert.rejects(packInMemory([file('a'), file('a')]), /the file a is there twice/);
});

it('packs the same bytes from streams as from memory', async () => {
  const content = 'some: content\n'.repeat(5_000);
  async function* entries() {
    yield streamed('a', content);
    yield streamed('b/c', '');
    yield streamed('b/d', content);
  }
  const one = await packInMemory(entries());
  const two = await packInMemory([file('b/d', content), file('b/c', ''), file('a', content)]);
  assert.equal(one.digest, two.digest);
  assert.deepEqual({ ...one.fileIndex }, { ...two.fileIndex });
});

it('leaves no file of an attempt that fails', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'weir-pack-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const noise = Array.from({ length: 5_000 }, (_, index) => `${index * index}`).join('');
  async function* broken() {
    yield streamed('a', noise);
    throw new Error('the repository broke');
  }
  async function* unsorted() {
    yield streamed('b', 'x');
    yield streamed('a', 'x');
  }
  async function* short() {
    yield streamed('a', 'x', 100_000);
  }
  const fails = (files: AsyncIterable<StreamedFile>, how: RegExp, maxBytes?: number) =>
    assert.rejects(packArtifact(files, { dir, maxBytes }), how);
  await fails(broken(), /the repository broke/);
  await fails(unsorted(), /the file a comes out of order/);
  await fails(short(), /Size mismatch/);
  async function* large() {
    yield streamed('a', noise);
  }
  await fails(large(), /larger than 1000 bytes \(--artifact-max-packed-bytes\)/, 1_000);
  assert.deepEqual(await readdir(dir), []);
});
