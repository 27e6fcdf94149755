import { deepEqual, match, rejects } from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { ArtifactError } from '@weir/artifact';
import { type TarEntry, tar, tarGz } from '@weir/oci/testing';
import { type Layer, unpack } from './layer.ts';

let dir: string;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'weir-layer-'));
});
after(() => rm(dir, { recursive: true, force: true }));

const limits = { maxFiles: 20, maxBytes: 10_000, maxPackedBytes: 10_000 };

async function unpacked(bytes: Buffer, own = limits): Promise<Record<string, string>> {
  const archive = join(dir, 'archive');
  await writeFile(archive, bytes);
  try {
    const layer = await unpack(archive, own);
    try {
      return await contentsOf(layer);
    } finally {
      await layer.remove();
    }
  } finally {
    await rm(archive);
    deepEqual(await readdir(dir), [], 'nothing is left on the disk');
  }
}

async function contentsOf(layer: Layer): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { path, mode, content } of layer.read(layer.files)) {
    const parts: Uint8Array[] = [];
    for await (const part of content) parts.push(part);
    found[path] = `${(mode & 0o111) === 0 ? '' : '*'}${Buffer.concat(parts)}`;
  }
  return found;
}

const of = (...entries: TarEntry[]) => unpacked(tarGz(entries));

test('files come out as Flux has them', async () => {
  const found = await of(
    { path: './', type: '5' },
    { path: './dir/', type: '5' },
    { path: './dir//a.yaml', content: 'a' },
    { path: 'run.sh', content: '#!/bin/sh', mode: 0o755 },
    { path: 'b.yaml', content: 'first', mode: 0o755 },
    { path: 'b.yaml', content: 'second' },
    { path: 'link', type: '2', link: '/etc/passwd' },
    { path: 'link/below', content: 'x' },
    { path: 'hard', type: '1', link: 'b.yaml' },
    { path: 'empty', content: '' },
    { path: 'ünï', content: 'u' },
  );
  deepEqual(found, {
    'dir/a.yaml': 'a',
    'run.sh': '*#!/bin/sh',
    'b.yaml': '*second',
    'link/below': 'x',
    hard: '',
    empty: '',
    ünï: 'u',
  });
});

test('names that lead out are refused', async () => {
  const bad = ['../x', 'a/../../x', '/etc/x', 'a/..', '..', 'a\\..\\x', 'a/../b', ''];
  for (const path of bad) {
    for (const type of ['0', '2', '5']) {
      await rejects(of({ path, type }), /tar contained invalid name error/, path);
    }
  }
});

test('special files, and files where folders are, are refused', async () => {
  for (const type of ['3', '4', '6']) {
    await rejects(of({ path: 'x', type }), /contained unsupported file type/);
  }
  await rejects(of({ path: 'a', content: 'x' }, { path: 'a/b' }), /"a": not a directory/);
  await rejects(of({ path: 'a/b' }, { path: 'a', content: 'x' }), /"a": is a directory/);
  await rejects(of({ path: '.', content: 'x' }), /is a directory/);
});

test('a small layer that unpacks to a lot is cut off', async () => {
  const tooLarge = (what: RegExp) => (error: unknown) => {
    match(String(error), what);
    return error instanceof ArtifactError && error.reason === 'ArtifactTooLarge';
  };
  await rejects(of({ path: 'zeros', content: Buffer.alloc(20_000) }), tooLarge(/10000 bytes/));
  const many = Array.from({ length: 21 }, (_, index) => ({ path: `f${index}` }));
  await rejects(of(...many), tooLarge(/20 files/));
  const folders = Array.from({ length: 50 }, (_, index) => ({ path: `f${index}`, type: '5' }));
  await rejects(of(...folders), tooLarge(/40 files and folders/));
});

test('what is no tar.gz is refused', async () => {
  const entries = [{ path: 'a', content: 'x'.repeat(5_000) }];
  await rejects(unpacked(Buffer.from('text')), /requires gzip-compressed body/);
  await rejects(unpacked(tar(entries)), /requires gzip-compressed body/);
  await rejects(unpacked(gzipSync('text')), /tar error: the archive is cut short/);
  await rejects(unpacked(gzipSync(Buffer.alloc(600, 'x'))), /tar error: the archive has a damaged/);
  await rejects(unpacked(tarGz(entries).subarray(0, 60)), /cut short|requires gzip/);
  deepEqual(await unpacked(gzipSync(Buffer.alloc(1024))), {});
});
