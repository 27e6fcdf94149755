// What is fetched goes to a file piece by piece: it is never in memory as a whole.
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';

export interface Downloaded {
  file: string;
  /** `sha256:<hex>` */
  digest: string;
  /** Bytes. */
  size: number;
}

/** Writes a stream to a new file in a folder. What fails leaves no file. */
export async function download(content: AsyncIterable<Buffer>, dir: string): Promise<Downloaded> {
  await mkdir(dir, { recursive: true });
  const path = join(dir, `${randomUUID()}.part`);
  const file = await open(path, 'wx', 0o640);
  const hash = createHash('sha256');
  let size = 0;
  try {
    for await (const chunk of content) {
      hash.update(chunk);
      size += chunk.length;
      await file.write(chunk);
    }
    await file.close();
    return { file: path, digest: `sha256:${hash.digest('hex')}`, size };
  } catch (error) {
    await file.close();
    await rm(path, { force: true });
    throw error;
  }
}
