// Archives made by anybody, read by the code that reads and packs artifacts.
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import {
  ArtifactError,
  type FileEntry,
  packArtifact,
  readFileIndex,
  readTar,
} from '@weir/artifact';
import fc from 'fast-check';
import { mutatedBytes } from '../mutate.ts';
import { bomb, tars } from '../tar.ts';
import { holds, refused, type Subject, type Target } from '../target.ts';

interface Archive {
  tar: Buffer;
  /** How the archive is packed: by gzip, not at all, or by a broken gzip. */
  packing: 'gzip' | 'none' | 'broken';
}

const DAMAGED = 'a damaged archive fails in any way';
const MAX_FILES = 100;
const MAX_BYTES = 1024 ** 2;

export const archives: Target<Archive> = {
  name: 'archives',
  about: 'tars and their compressed forms, read and packed anew',
  limits: { ms: 10_000, bytes: 400 * 1024 ** 2 },
  inputs: fc.record({
    tar: fc.oneof(
      { weight: 20, arbitrary: tars },
      { weight: 10, arbitrary: tars.chain((tar) => mutatedBytes([tar])) },
      { weight: 1, arbitrary: tars.map((tar) => Buffer.concat([bomb, tar])) },
    ),
    packing: fc.constantFrom('gzip' as const, 'gzip' as const, 'gzip' as const, 'none', 'broken'),
  }),
  open,
  plants: {
    'a path that leads out is packed': /leads out of the archive/,
    'an archive has no bound': /more bytes than allowed/,
    [DAMAGED]: /is no ArtifactError/,
  },
};

async function open(): Promise<Subject<Archive>> {
  const dir = await mkdtemp(join(tmpdir(), 'weir-fuzz-'));
  return {
    async try({ tar, packing }, plant) {
      const file = join(dir, 'input');
      await writeFile(file, compressed(tar, packing));
      const entries = await filesOf(tar, plant);
      if (entries !== undefined) await packTwice(entries, dir, plant);
      await indexOf(file, plant);
      const left = (await readdir(dir)).filter((name) => name !== 'input');
      holds(left.length === 0, `files are left: ${left.join(', ')}`);
    },
    close: () => rm(dir, { recursive: true, force: true }),
  };
}

function compressed(tar: Buffer, packing: Archive['packing']): Buffer {
  if (packing === 'none') return tar;
  const whole = gzipSync(tar, { level: 1 });
  return packing === 'gzip' ? whole : whole.subarray(0, whole.length - 9);
}

/** The files of a tar; undefined when it is refused. */
async function filesOf(tar: Buffer, plant: string | undefined): Promise<FileEntry[] | undefined> {
  const files = new Map<string, FileEntry>();
  let entries = 0;
  try {
    for await (const entry of readTar(inPieces(tar), { maxEntries: MAX_FILES })) {
      holds(++entries <= MAX_FILES, 'there are more entries than allowed');
      const { path, mode, size, type } = entry;
      if (type !== 'file') continue;
      const chunks: Uint8Array[] = [];
      for await (const chunk of entry.content) chunks.push(chunk);
      const content = Buffer.concat(chunks);
      holds(content.length === size, `${path} has ${content.length} bytes, and not ${size}`);
      files.set(path, { path, mode, content });
    }
    return [...files.values()];
  } catch (error) {
    refused(plant === DAMAGED ? new Error('damaged') : error, ArtifactError);
    return undefined;
  }
}

async function* inPieces(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 700) yield bytes.subarray(at, at + 700);
}

async function packTwice(
  files: readonly FileEntry[],
  dir: string,
  plant: string | undefined,
): Promise<void> {
  const leadsOut = plant === 'a path that leads out is packed';
  try {
    // The planted fault: names are made harmless in the archive, but not in what is reported about it.
    const given = leadsOut ? files.map((it, at) => ({ ...it, path: `${at}` })) : files;
    const packed = await packArtifact(given, { dir });
    const again = await packArtifact(given.toReversed(), { dir });
    await rm(packed.file);
    await rm(again.file);
    holds(packed.digest === again.digest, 'the same files have another digest');
    for (const path of leadsOut ? files.map((it) => it.path) : Object.keys(packed.fileIndex)) {
      const parts = path.split('/');
      const isInside = parts.every((part) => part !== '' && part !== '.' && part !== '..');
      holds(isInside && !path.includes('\0'), `${JSON.stringify(path)} leads out of the archive`);
    }
  } catch (error) {
    refused(error, ArtifactError);
  }
}

async function indexOf(file: string, plant: string | undefined): Promise<void> {
  const isBound = plant !== 'an archive has no bound';
  const limits = isBound ? { maxBytes: MAX_BYTES, maxFiles: MAX_FILES } : {};
  try {
    const index = await readFileIndex(file, limits);
    holds(Object.keys(index).length <= MAX_FILES, 'there are more files than allowed');
    holds(!('zeros' in index), 'a file has more bytes than allowed');
  } catch (error) {
    refused(error, ArtifactError);
  }
}
