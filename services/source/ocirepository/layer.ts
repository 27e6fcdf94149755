// Makes the files of an artifact from a layer: stores it on disk, checks it, and unpacks it or takes it as it is.
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { ArtifactError, readTar, type StreamedFile } from '@weir/artifact';
import { messageOf } from '@weir/reconcile';
import type { ContentLimits } from '../shared/limits.ts';
import { type ContentsFile, createContentsFile } from './contents-file.ts';

/** A file of a layer that will be a file of the artifact. */
export interface LayerFile {
  /** Relative, with slashes. */
  path: string;
  mode: number;
  /** Bytes. */
  size: number;
  /** Offset of its content in the file that has all contents. */
  offset: number;
}

/** The contents of a layer. Disposing of it removes them from the disk. */
export interface Layer {
  /** Removes the unpacked contents from the disk. */
  remove(): Promise<void>;
  files: LayerFile[];
  /** Reads the contents in the order asked for; each has to be read before the next. */
  read(files: readonly LayerFile[]): AsyncGenerator<StreamedFile>;
}

const MAX_PATH = 4096;
const MAX_NAME = 255;

/**
 * Unpacks a tar.gz that anybody may have made, by the rules of Flux: symbolic links are dropped, a hard link becomes an
 * empty file, other special files and names that lead out are refused. Contents that don't fit into memory go into
 * one file beside the archive, so that no name of the archive is ever a path on this machine.
 * @throws Error for what is no tar.gz; ArtifactError ArtifactTooLarge
 */
export async function unpack(archive: string, limits: ContentLimits): Promise<Layer> {
  const contents = createContentsFile(`${archive}.contents`);
  const remove = () => contents.remove();
  try {
    const files = await unpackInto(contents, archive, limits);
    return { files, read: (wanted) => readFiles(contents, wanted), remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function unpackInto(
  contents: ContentsFile,
  archive: string,
  { maxFiles, maxBytes }: ContentLimits,
): Promise<LayerFile[]> {
  const files = new Map<string, LayerFile>();
  const folders = new Set<string>();
  // A failure of either stream ends both, and the loop below gets the error.
  const unzipped = pipeline(createReadStream(archive), createGunzip(), () => undefined);
  try {
    for await (const entry of readTar(unzipped, { maxEntries: 2 * maxFiles })) {
      const { path: name, type, mode } = entry;
      const path = cleanPath(name);
      if (type === 'symbolic-link') continue;
      if (type === 'other') {
        throw new Error(`tar file entry ${show(name)} contained unsupported file type`);
      }
      addFolders(type === 'folder' ? path : parentOf(path), files, folders);
      if (type === 'folder') continue;
      if (path === '' || folders.has(path)) throw new Error(`open ${show(name)}: is a directory`);
      const start = contents.size();
      for await (const chunk of entry.content) {
        if (contents.size() + chunk.length > maxBytes) {
          throw tooLarge(`unpacks to more than ${maxBytes} bytes (--artifact-max-bytes)`);
        }
        await contents.append(chunk);
      }
      // The later of two files with one name replaces the first, but keeps its mode.
      const before = files.get(path);
      files.set(path, {
        path,
        mode: before?.mode ?? mode,
        size: contents.size() - start,
        offset: start,
      });
      if (files.size > maxFiles) {
        throw tooLarge(`holds more than ${maxFiles} files (--artifact-max-files)`);
      }
    }
  } catch (error) {
    throw unpackError(error);
  }
  return [...files.values()];
}

/** The path without empty parts and dots. @throws Error for one that leads out */
function cleanPath(name: string): string {
  const isInvalid =
    name === '' || name.startsWith('/') || /[\\\0]/.test(name) || name.includes('../');
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (isInvalid || parts.includes('..')) {
    throw new Error(`tar contained invalid name error ${show(name)}`);
  }
  const isTooLong =
    Buffer.byteLength(name) > MAX_PATH || parts.some((part) => Buffer.byteLength(part) > MAX_NAME);
  if (isTooLong) throw new Error(`tar contained a name that is too long: ${show(name)}`);
  return parts.join('/');
}

/** Records a folder and its parents; none of them may be a file. */
function addFolders(
  path: string,
  files: ReadonlyMap<string, LayerFile>,
  folders: Set<string>,
): void {
  for (let folder = path; folder !== '' && !folders.has(folder); folder = parentOf(folder)) {
    if (files.has(folder)) throw new Error(`mkdir ${show(folder)}: not a directory`);
    folders.add(folder);
  }
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0));
}

async function* readFiles(
  contents: ContentsFile,
  files: readonly LayerFile[],
): AsyncGenerator<StreamedFile> {
  for (const { path, mode, size, offset } of files) {
    yield { path, mode, size, content: contents.read(offset, size) };
  }
}

function unpackError(error: unknown): unknown {
  if (error instanceof ArtifactError) {
    return error.reason === 'ArtifactInvalid'
      ? new Error(`tar error: ${error.message}`, { cause: error })
      : error;
  }
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  // zlib's codes for bytes that it can't unpack.
  if (!code.startsWith('Z_')) return error;
  return new Error(`requires gzip-compressed body: ${messageOf(error)}`, { cause: error });
}

function tooLarge(what: string): ArtifactError {
  return new ArtifactError('ArtifactTooLarge', `the layer ${what}`);
}

function show(name: string): string {
  return JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}...` : name);
}
