import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { ArtifactError } from './errors.ts';

/** Every file of an artifact: path -> `sha256:<hex>` of its content. */
export type Manifest = Record<string, string>;

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** A manifest unpacked may take this many bytes: about a million files. */
const MAX_BYTES = 256 * 1024 ** 2;

/** A manifest as it is stored: gzipped JSON. */
export async function encodeManifest(manifest: Manifest): Promise<Buffer> {
  return compress(Buffer.from(JSON.stringify(manifest)));
}

/** Reads what `encodeManifest` made; rejects with ArtifactError (ArtifactInvalid) for anything else. */
export async function decodeManifest(bytes: Uint8Array): Promise<Manifest> {
  try {
    const json = await decompress(bytes, { maxOutputLength: MAX_BYTES });
    const value: unknown = JSON.parse(json.toString('utf8'));
    if (typeof value !== 'object' || value === null) throw new TypeError('it is no object');
    // A path may be called anything, `__proto__` included.
    return Object.assign(Object.create(null), value);
  } catch (error) {
    throw new ArtifactError('ArtifactInvalid', 'the manifest of the artifact is damaged', {
      cause: error,
    });
  }
}
