import { deepEqual, equal, rejects } from 'node:assert/strict';
import { test } from 'node:test';
import { pack } from 'tar-stream';
import { ArtifactError } from './errors.ts';
import { readTar } from './tar.ts';

/** The archive in pieces of any size. */
async function* inPieces(bytes: Uint8Array, size = 700): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(bytes: Uint8Array, maxEntries = 100) {
  const found: [path: string, type: string, content: string][] = [];
  for await (const { path, type, content } of readTar(inPieces(bytes), { maxEntries })) {
    const parts: Uint8Array[] = [];
    for await (const part of content) parts.push(part);
    found.push([path, type, Buffer.concat(parts).toString()]);
  }
  return found;
}

interface Raw {
  path?: string;
  type?: string;
  content?: string | Buffer;
  size?: string;
  magic?: string;
}

/** One entry with a header of any kind. */
function raw({ path = '', type = '0', content = '', size, magic = 'ustar\x0000' }: Raw): Buffer {
  const body = Buffer.from(content);
  const header = Buffer.alloc(512);
  header.write(path, 0, 100);
  header.write('0000644\0', 100);
  header.write(size ?? `${body.length.toString(8).padStart(11, '0')}\0`, 124, 'latin1');
  header.write('        ', 148);
  header.write(type, 156);
  header.write(magic, 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, body, Buffer.alloc((512 - (body.length % 512)) % 512)]);
}

const attribute = (key: string, value: string) => {
  const rest = ` ${key}=${value}\n`;
  const length = rest.length + String(rest.length + 2).length;
  return `${length}${rest}`;
};
const invalid = (error: unknown) =>
  error instanceof ArtifactError && error.reason === 'ArtifactInvalid';
const tooLarge = (error: unknown) =>
  error instanceof ArtifactError && error.reason === 'ArtifactTooLarge';

test('reads what another tool wrote: files, folders, links, long and odd names', async () => {
  const archive = pack();
  const long = `${'folder/'.repeat(40)}file`;
  archive.entry({ name: './dir/', type: 'directory' });
  archive.entry({ name: 'dir/a' }, 'a'.repeat(5_000));
  archive.entry({ name: 'dir/link', type: 'symlink', linkname: '/etc/passwd' });
  archive.entry({ name: 'dir/hard', type: 'link', linkname: 'dir/a' });
  archive.entry({ name: 'fifo', type: 'fifo' });
  archive.entry({ name: long }, 'long');
  archive.entry({ name: 'ünïcode' }, '');
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  deepEqual(await read(Buffer.concat(chunks)), [
    ['./dir/', 'folder', ''],
    ['dir/a', 'file', 'a'.repeat(5_000)],
    ['dir/link', 'symbolic-link', ''],
    ['dir/hard', 'hard-link', ''],
    ['fifo', 'other', ''],
    [long, 'file', 'long'],
    ['ünïcode', 'file', ''],
  ]);
});

test('content that nobody reads is skipped, and what follows the end is not looked at', async () => {
  const bytes = Buffer.concat([
    raw({ path: 'a', content: 'x'.repeat(2_000) }),
    raw({ path: 'b', content: 'y' }),
    Buffer.alloc(1024),
    Buffer.from('anything'),
  ]);
  const paths: string[] = [];
  for await (const { path } of readTar(inPieces(bytes), { maxEntries: 10 })) paths.push(path);
  deepEqual(paths, ['a', 'b']);
});

test("GNU's long names, an old header, and a size in attributes", async () => {
  const found = await read(
    Buffer.concat([
      raw({ type: 'L', content: 'long/name\0' }),
      raw({ path: 'short', content: 'x' }),
      raw({ path: 'old/', type: '\0', magic: '' }),
      raw({ type: 'x', content: attribute('path', 'by/attribute') + attribute('size', '3') }),
      raw({ path: 'c', content: 'abc', size: '00000000000\0' }).subarray(0, 1024),
      raw({ type: 'g', content: attribute('comment', 'x') }),
      raw({ type: 'x', content: Buffer.from('20 SCHILY.xattr=\xff\xfe\xfd\n', 'latin1') }),
      raw({ path: 'd', content: 'd', size: '\x80\0\0\0\0\0\0\0\0\0\0\x01' }),
    ]),
  );
  deepEqual(found, [
    ['long/name', 'file', 'x'],
    ['old/', 'folder', ''],
    ['by/attribute', 'file', 'abc'],
    ['d', 'file', 'd'],
  ]);
});

test('names that would take all memory are refused before they are read', async () => {
  // The header states 8 GiB; not one byte of them is here.
  for (const type of ['x', 'g', 'L', 'K']) {
    await rejects(read(raw({ type, size: '77777777777\0' })), tooLarge);
  }
  const many = Array.from({ length: 40 }, () => raw({ type: 'x', content: Buffer.alloc(500_000) }));
  await rejects(read(Buffer.concat(many)), (error: unknown) => invalid(error) || tooLarge(error));
  const few = Array.from({ length: 11 }, (_, index) => raw({ path: `f${index}` }));
  await rejects(read(Buffer.concat(few), 10), tooLarge);
});

test('what is no tar, is cut short or damaged is refused', async () => {
  const good = raw({ path: 'a', content: 'x'.repeat(2_000) });
  const damaged = Buffer.from(good);
  damaged[0] = 0x62;
  const bad: Buffer[] = [
    ...[Buffer.from('text'), Buffer.alloc(512, 'x'), damaged, good.subarray(0, 1_000)],
    ...[
      good.subarray(0, 300),
      raw({ type: 'S' }),
      raw({ size: '\xff\xff\xff\xff\xff\xff\xff\xff' }),
    ],
    ...[raw({ size: '99999999999\0' }), raw({ type: 'x', content: 'no attribute' })],
    ...[raw({ type: 'x', content: attribute('size', '-1') })],
    ...[raw({ type: 'x', content: attribute('GNU.sparse.major', '1') })],
  ];
  for (const bytes of bad) await rejects(read(bytes), invalid);
  equal((await read(Buffer.alloc(0))).length, 0);
});
