// Makes the archive of a bucket from the objects that were fetched now and from unchanged files of the previous
// archive.
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import {
  ArtifactError,
  type Packed,
  packArtifact,
  readTar,
  type StreamedFile,
  sortByPath,
} from '@weir/artifact';
import type { ContentLimits } from '../shared/limits.ts';
import { only } from './content.ts';
import type { DownloadedObject } from './download.ts';
import { IGNORE_FILE, type IgnoreFile } from './listing.ts';

/** What the archive is made of. */
export interface Contents {
  fetched: readonly DownloadedObject[];
  /** Paths of files that are the same in `before`. */
  unchanged: readonly string[];
  /** Path of the previous archive. */
  before: string | undefined;
  ignoreFile: IgnoreFile | undefined;
}

export interface ArchiveOptions {
  limits: ContentLimits;
  /** Folder for the result. */
  dir: string;
}

const MODE = 0o600;

type Source =
  | { path: string; from: 'fetched'; object: DownloadedObject }
  | { path: string; from: 'before' }
  | { path: string; from: 'rules'; content: Buffer };

/**
 * Packs the files in the order of their paths, which is also their order in the previous archive.
 * @throws ArtifactError
 */
export async function packContents(
  { fetched, unchanged, before, ignoreFile }: Contents,
  { limits, dir }: ArchiveOptions,
): Promise<Packed> {
  const sources: Source[] = [
    ...fetched.map((object) => ({ path: object.path, from: 'fetched' as const, object })),
    ...unchanged.map((path) => ({ path, from: 'before' as const })),
    ...(ignoreFile === undefined
      ? []
      : [{ path: IGNORE_FILE, from: 'rules' as const, content: ignoreFile.content }]),
  ];
  const files = filesOf(sortByPath(sources), before, limits);
  return packArtifact(files, { dir, maxBytes: limits.maxPackedBytes });
}

async function* filesOf(
  sources: readonly Source[],
  before: string | undefined,
  limits: ContentLimits,
): AsyncGenerator<StreamedFile> {
  const kept = before === undefined ? undefined : readArchive(before, limits);
  let left = limits.maxBytes;
  try {
    for (const source of sources) {
      const file = await fileOf(source, kept);
      left -= file.size;
      if (left < 0) {
        const what = `all objects together have more than ${limits.maxBytes} bytes (--artifact-max-bytes)`;
        throw new ArtifactError('ArtifactTooLarge', `${what}: leave some out with spec.ignore`);
      }
      yield file;
    }
  } finally {
    await kept?.return(undefined);
  }
}

async function fileOf(
  source: Source,
  kept: AsyncGenerator<StreamedFile> | undefined,
): Promise<StreamedFile> {
  const { path } = source;
  if (source.from === 'rules') {
    const { content } = source;
    return { path, mode: MODE, size: content.length, content: only(content) };
  }
  if (source.from === 'fetched') {
    const { size, content } = source.object;
    return { path, mode: MODE, size, content: content() };
  }
  for (let next = await kept?.next(); next && !next.done; next = await kept?.next()) {
    if (next.value.path === path) return next.value;
  }
  throw new ArtifactError('ArtifactInvalid', `the archive before this one lacks the file ${path}`);
}

async function* readArchive(
  file: string,
  { maxFiles }: ContentLimits,
): AsyncGenerator<StreamedFile, undefined> {
  const input = createReadStream(file);
  const unpacked = input.pipe(createGunzip());
  input.on('error', (error) => unpacked.destroy(error));
  try {
    // One entry more, for the file of rules, which counts towards no limit.
    for await (const { path, size, content } of readTar(unpacked, { maxEntries: maxFiles + 1 })) {
      yield { path, mode: MODE, size, content };
    }
  } finally {
    input.destroy();
    unpacked.destroy();
  }
  return undefined;
}
