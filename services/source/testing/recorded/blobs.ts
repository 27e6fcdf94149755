// Files that belong to the recorded cases.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const FOLDER = join(import.meta.dirname, '../../testdata/recorded');

/** The bytes of a manifest, a layer or a packaged chart. */
export function readBlob(digest: string): Promise<Buffer> {
  return readFile(join(FOLDER, 'blobs', digest.replace(/^sha256:/, '')));
}

/** A key or certificate, PEM. */
export function readKey(name: string): Promise<string> {
  return readFile(join(FOLDER, 'keys', name), 'utf8');
}
