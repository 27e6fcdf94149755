import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import { digestOf } from './digest.ts';
import { type FileEntry, packArtifact } from './pack.ts';

function file(path: string, content = path, mode = 0o100644): FileEntry {
  return { path, mode, content: Buffer.from(content) };
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
  const one = await packArtifact(files);
  const two = await packArtifact(files.toReversed());
  assert.equal(one.digest, two.digest);
  assert.ok(one.bytes.equals(two.bytes));
  assert.equal(one.digest, digestOf(one.bytes));
  assert.equal(one.size, one.bytes.length);
  const paths = (await unpack(one.bytes)).map(({ header }) => header.name);
  assert.deepEqual(paths, ['a.yaml', 'b-c', 'b/a.yaml', 'b/z.yaml', 'ä.yaml']);
});

it('keeps its format: the digest of a fixed content does not change', async () => {
  const { bytes } = await packArtifact([file('a.yaml', 'kind: A\n'), file('run', '#!', 0o100755)]);
  assert.equal(
    digestOf(gunzipSync(bytes)),
    'sha256:0fe274fe22579d509c34f798d6ebbe70c0c467070be4ade4af9ed4372f63c3ff',
  );
});

it('knows no times, owners or other modes', async () => {
  const { bytes } = await packArtifact([file('a', 'x', 0o100664), file('run', 'x', 0o100755)]);
  assert.deepEqual([...bytes.subarray(0, 10)], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
  for (const { header } of await unpack(bytes)) {
    assert.equal(header.mtime?.getTime(), 0);
    assert.deepEqual([header.uid, header.gid, header.uname, header.gname], [0, 0, '', '']);
    assert.equal(header.mode, header.name === 'run' ? 0o700 : 0o600);
  }
});

it('drops symlinks and submodules', async () => {
  const { manifest } = await packArtifact([
    file('a'),
    file('link', '/etc/passwd', 0o120000),
    file('module', '', 0o160000),
  ]);
  assert.deepEqual(Object.keys(manifest), ['a']);
});

it('lists the digest of every file', async () => {
  async function* entries() {
    yield file('a', 'one');
    yield file('__proto__', 'two');
  }
  const { manifest } = await packArtifact(entries());
  assert.equal(manifest.a, digestOf(Buffer.from('one')));
  assert.deepEqual(Object.keys(manifest).sort(), ['__proto__', 'a']);
});

it('keeps long and large things whole', async () => {
  const path = `${'d'.repeat(120)}/${'f'.repeat(200)}.yaml`;
  const content = 'line\n'.repeat(200_000);
  const [entry] = await unpack((await packArtifact([file(path, content)])).bytes);
  assert.deepEqual([entry?.header.name, entry?.content.length], [path, content.length]);
  assert.deepEqual(await unpack((await packArtifact([])).bytes), []);
});

it('refuses paths that leave the archive, and the same one twice', async () => {
  for (const path of ['../a', 'a/../b', '/a', 'a//b', './a', '', 'a\0b']) {
    await assert.rejects(packArtifact([file(path)]), { reason: 'ArtifactInvalid' }, path);
  }
  await assert.rejects(packArtifact([file('a'), file('a')]), /the file a is there twice/);
});
