import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { ArtifactError } from './errors.ts';

/** Every file of an artifact: path -> `sha256:<hex>` of its content. */
export type FileIndex = Record<string, string>;

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** The largest file index, unpacked, in bytes: enough for about a million files. */
const MAX_BYTES = 256 * 1024 ** 2;

/** A file index as it is stored: gzipped JSON. */
export async function encodeFileIndex(fileIndex: FileIndex): Promise<Buffer> {
  return compress(Buffer.from(JSON.stringify(fileIndex)));
}

/** Reads what `encodeFileIndex` made; rejects with ArtifactError (ArtifactInvalid) for anything else. */
export async function decodeFileIndex(bytes: Uint8Array): Promise<FileIndex> {
  try {
    const json = await decompress(bytes, { maxOutputLength: MAX_BYTES });
    const value: unknown = JSON.parse(json.toString('utf8'));
    if (typeof value !== 'object' || value === null) throw new TypeError('it is no object');
    // A path may be called anything, `__proto__` included.
    return Object.assign(Object.create(null), value);
  } catch (error) {
    throw new ArtifactError('ArtifactInvalid', 'the file index of the artifact is damaged', {
      cause: error,
    });
  }
}
