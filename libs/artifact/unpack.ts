import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import { ArtifactError } from './errors.ts';
import type { Manifest } from './manifest.ts';

export interface UnpackLimits {
  /** Bytes of all files together, unpacked. */
  maxBytes?: number;
  maxFiles?: number;
}

const DEFAULT_MAX_BYTES = 2 * 1024 ** 3;
const DEFAULT_MAX_FILES = 500_000;

/**
 * The manifest of an artifact whose manifest isn't at hand, read from its tar.gz. Rejects with ArtifactError:
 * ArtifactTooLarge above a limit, ArtifactInvalid for what is no tar.gz.
 */
export async function readManifest(file: string, limits: UnpackLimits = {}): Promise<Manifest> {
  const maxBytes = limits.maxBytes ?? DEFAULT_MAX_BYTES;
  const maxFiles = limits.maxFiles ?? DEFAULT_MAX_FILES;
  const manifest: Manifest = Object.create(null);
  const archive = extract();
  let bytes = 0;
  let files = 0;
  const reading = (async () => {
    for await (const entry of archive) {
      const hash = createHash('sha256');
      for await (const chunk of entry as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        if (bytes > maxBytes) throw tooLarge(`unpacks to more than ${maxBytes} bytes`);
        hash.update(chunk);
      }
      if (!isFile(entry.header)) continue;
      files += 1;
      if (files > maxFiles) throw tooLarge(`holds more than ${maxFiles} files`);
      manifest[entry.header.name.replace(/^\.\//, '')] = `sha256:${hash.digest('hex')}`;
    }
  })();
  try {
    await Promise.all([reading, pipeline(createReadStream(file), createGunzip(), archive)]);
  } catch (error) {
    if (error instanceof ArtifactError) throw error;
    throw new ArtifactError('ArtifactInvalid', 'the artifact is no tar.gz that can be read', {
      cause: error,
    });
  }
  return manifest;
}

function isFile({ type }: Header): boolean {
  return type === 'file' || type === 'contiguous-file' || type === undefined || type === null;
}

function tooLarge(what: string): ArtifactError {
  return new ArtifactError('ArtifactTooLarge', `the artifact ${what}`);
}
