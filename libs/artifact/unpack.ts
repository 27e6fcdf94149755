import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { ArtifactError } from './errors.ts';
import type { FileIndex } from './file-index.ts';
import { readTar } from './tar.ts';

export interface UnpackLimits {
  /** Bytes of all files together, unpacked. */
  maxBytes?: number;
  maxFiles?: number;
}

const DEFAULT_MAX_BYTES = 2 * 1024 ** 3;
const DEFAULT_MAX_FILES = 500_000;

/**
 * Computes the file index of an artifact from its tar.gz. Rejects with ArtifactError: ArtifactTooLarge above a limit,
 * ArtifactInvalid for what is no tar.gz.
 */
export async function readFileIndex(file: string, limits: UnpackLimits = {}): Promise<FileIndex> {
  const maxBytes = limits.maxBytes ?? DEFAULT_MAX_BYTES;
  const maxFiles = limits.maxFiles ?? DEFAULT_MAX_FILES;
  const fileIndex: FileIndex = Object.create(null);
  let bytes = 0;
  let files = 0;
  // When either stream fails, both end, and the loop below gets the error.
  const content = pipeline(createReadStream(file), createGunzip(), () => undefined);
  try {
    for await (const entry of readTar(content, { maxEntries: 2 * maxFiles })) {
      if (entry.type !== 'file') continue;
      if (++files > maxFiles) throw tooLarge(`holds more than ${maxFiles} files`);
      const hash = createHash('sha256');
      for await (const chunk of entry.content) {
        bytes += chunk.length;
        if (bytes > maxBytes) throw tooLarge(`unpacks to more than ${maxBytes} bytes`);
        hash.update(chunk);
      }
      fileIndex[entry.path.replace(/^\.\//, '')] = `sha256:${hash.digest('hex')}`;
    }
  } catch (error) {
    if (error instanceof ArtifactError && error.reason === 'ArtifactTooLarge') throw error;
    throw new ArtifactError('ArtifactInvalid', 'the artifact is no tar.gz that can be read', {
      cause: error,
    });
  }
  return fileIndex;
}

function tooLarge(what: string): ArtifactError {
  return new ArtifactError('ArtifactTooLarge', `the artifact ${what}`);
}
