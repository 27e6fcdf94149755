// Downloads to a file piece by piece: the content is never in memory as a whole.
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { onDisk } from './disk.ts';

export interface Downloaded {
  file: string;
  /** `sha256:<hex>` */
  digest: string;
  /** Bytes. */
  size: number;
}

/**
 * Writes a stream to a new file in a folder. After a failure there is no file.
 * @throws ArtifactError StorageFull, StorageOperationFailed where the disk fails; an error of the stream stays as it is
 */
export async function download(content: AsyncIterable<Buffer>, dir: string): Promise<Downloaded> {
  const path = join(dir, `${randomUUID()}.part`);
  const file = await onDisk(async () => {
    await mkdir(dir, { recursive: true });
    return open(path, 'wx', 0o640);
  });
  const hash = createHash('sha256');
  let size = 0;
  try {
    for await (const chunk of content) {
      hash.update(chunk);
      size += chunk.length;
      await onDisk(() => file.writeFile(chunk));
    }
    await onDisk(() => file.close());
    return { file: path, digest: `sha256:${hash.digest('hex')}`, size };
  } catch (error) {
    await file.close();
    await rm(path, { force: true });
    throw error;
  }
}
