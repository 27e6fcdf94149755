// Writes objects into a repository without git: a loose object is its header and content, compressed, in a file that is
// named after the hash of both (https://git-scm.com/book/en/v2/Git-Internals-Git-Objects).
import { createHash, randomUUID } from 'node:crypto';
import { link, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { deflate } from 'node:zlib';

export type ObjectType = 'blob' | 'tree' | 'commit';

const compress = promisify(deflate);

/** The id that an object has: SHA-1, or SHA-256 in a repository of those. */
export function objectId(type: ObjectType, content: Buffer, algorithm: 'sha1' | 'sha256'): string {
  return createHash(algorithm).update(headerOf(type, content)).update(content).digest('hex');
}

function headerOf(type: ObjectType, content: Buffer): string {
  return `${type} ${content.length}\0`;
}

/**
 * Writes an object into a bare repository, unless it is there as a loose one, and returns its id. It appears whole or not at all.
 * @param dir the bare repository
 */
export async function writeObject(
  dir: string,
  type: ObjectType,
  content: Buffer,
  algorithm: 'sha1' | 'sha256' = 'sha1',
): Promise<string> {
  const id = objectId(type, content, algorithm);
  const folder = join(dir, 'objects', id.slice(0, 2));
  const unfinished = join(folder, `tmp_obj_${randomUUID()}`);
  const bytes = await compress(Buffer.concat([Buffer.from(headerOf(type, content)), content]));
  await mkdir(folder, { recursive: true });
  try {
    await writeFile(unfinished, bytes, { mode: 0o444 });
    await link(unfinished, join(folder, id.slice(2))).catch(unlessThere);
  } finally {
    await rm(unfinished, { force: true });
  }
  return id;
}

/** What has the same name has the same content. */
function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}
