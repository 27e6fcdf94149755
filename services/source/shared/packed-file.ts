// Files that become artifacts without being packed here.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { ArtifactError, type Packed, readFileIndex } from '@weir/artifact';
import type { ContentLimits } from './limits.ts';

/**
 * A file with its digest and size.
 * @param limits without them the file is not read as an archive, and has an empty file index
 */
export async function packedFile(file: string, limits?: ContentLimits): Promise<Packed> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  const { size } = await stat(file);
  const fileIndex = limits === undefined ? {} : await filesOf(file, limits);
  return { file, digest: `sha256:${hash.digest('hex')}`, size, fileIndex };
}

/**
 * The file index of an archive; an empty one for what is no archive, as any bytes may be an artifact.
 * @throws ArtifactError
 */
export async function filesOf(file: string, limits: ContentLimits): Promise<Packed['fileIndex']> {
  return readFileIndex(file, limits).catch((error: unknown) => {
    if (error instanceof ArtifactError && error.reason === 'ArtifactInvalid') return {};
    throw error;
  });
}
