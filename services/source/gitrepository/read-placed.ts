// Reads the contents of an artifact's files from wherever they are, in the order of the archive.
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { ArtifactError, readTar, type StreamedFile, sortByPath } from '@weir/artifact';
import { type ObjectReader, readFiles } from '@weir/git';
import type { Placed } from './layout.ts';

export interface Origins {
  objects: ObjectReader;
  /** The archives of the included artifacts, in their order: paths of files. */
  archives: readonly string[];
  /** Bytes of all files together, at most. */
  maxBytes: number;
}

/** No archive of ours has more entries; each is checked against its digest before it is read. */
const MAX_ENTRIES = 1_000_000;

/** Reads files one after the other, sorted by path. Each origin is read once, from beginning to end. */
export async function* readPlaced(
  files: readonly Placed[],
  { objects, archives, maxBytes }: Origins,
): AsyncGenerator<StreamedFile> {
  const own = files.flatMap((file) =>
    'entry' in file && file.lfs === undefined ? [{ ...file.entry, path: file.path }] : [],
  );
  const streams: AsyncGenerator<StreamedFile>[] = [
    readFiles(objects, sortByPath(own), maxBytes),
    readLfs(files),
    ...archives.map((archive, include) => {
      const wanted = files.flatMap((file) =>
        'include' in file && file.include === include ? [[file.from, file.path] as const] : [],
      );
      return readArchive(archive, new Map(wanted));
    }),
  ];
  let bytes = 0;
  for await (const file of merged(streams)) {
    bytes += file.size;
    if (bytes > maxBytes) {
      const what = `the files have more than ${maxBytes} bytes (--artifact-max-bytes)`;
      throw new ArtifactError('ArtifactTooLarge', `${what}: leave files out with spec.ignore`);
    }
    yield file;
  }
}

async function* readLfs(files: readonly Placed[]): AsyncGenerator<StreamedFile> {
  const own = files.flatMap((file) =>
    'entry' in file && file.lfs !== undefined
      ? [{ path: file.path, mode: file.entry.mode, ...file.lfs }]
      : [],
  );
  for (const { path, mode, size, file } of sortByPath(own)) {
    yield { path, mode, size, content: createReadStream(file) };
  }
}

/** @param wanted maps paths in the archive to the paths that the files get */
async function* readArchive(
  archive: string,
  wanted: ReadonlyMap<string, string>,
): AsyncGenerator<StreamedFile> {
  if (wanted.size === 0) return;
  // A failure of either stream ends both, and the loop below gets the error.
  const unzipped = pipeline(createReadStream(archive), createGunzip(), () => undefined);
  try {
    for await (const { path, type, mode, size, content } of readTar(unzipped, {
      maxEntries: MAX_ENTRIES,
    })) {
      const target = wanted.get(path.replace(/^\.\//, ''));
      if (type === 'file' && target !== undefined) yield { path: target, mode, size, content };
    }
  } finally {
    unzipped.destroy();
  }
}

/** Merges several sorted streams of files into one. */
async function* merged(
  streams: readonly AsyncGenerator<StreamedFile>[],
): AsyncGenerator<StreamedFile> {
  const heads: { file: StreamedFile; key: Buffer; stream: AsyncGenerator<StreamedFile> }[] = [];
  async function advance(stream: AsyncGenerator<StreamedFile>): Promise<void> {
    const next = await stream.next();
    if (next.done) return;
    heads.push({ file: next.value, key: Buffer.from(next.value.path), stream });
  }
  try {
    for (const stream of streams) await advance(stream);
    while (heads.length > 0) {
      heads.sort((a, b) => Buffer.compare(a.key, b.key));
      const [first] = heads.splice(0, 1);
      if (first === undefined) return;
      yield first.file;
      await advance(first.stream);
    }
  } finally {
    for (const stream of streams) await stream.return(undefined);
  }
}
