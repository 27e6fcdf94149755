import { PassThrough } from 'node:stream';
import { gitEnvironment } from './environment.ts';
import { GitError } from './errors.ts';
import { streamGitProcess } from './process.ts';

export interface ReadOptions {
  /** The bare repository. */
  dir: string;
  /** Milliseconds for all that is read. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

export interface GitObject {
  id: string;
  type: string;
  content: Buffer;
}

/** An open repository; one read at a time. */
export interface ObjectReader {
  /**
   * Reads objects in the order asked for; one of them is in memory at a time.
   * @param maxBytes the most that all of them may hold together
   * @throws GitError LimitExceeded; ReferenceNotFound for an object that the repository lacks
   */
  read(ids: readonly string[], maxBytes: number): AsyncGenerator<GitObject>;
}

const doing = 'unable to read objects';

/** Opens a repository for reading, with one `git cat-file --batch` for all that `use` reads. */
export async function withObjects<T>(
  options: ReadOptions,
  use: (objects: ObjectReader) => Promise<T>,
): Promise<T> {
  const { reader, close } = openObjects(options);
  try {
    return await use(reader);
  } finally {
    await close();
  }
}

/** As withObjects(), for a caller that closes it itself. */
export function openObjects(options: ReadOptions): {
  reader: ObjectReader;
  close(): Promise<void>;
} {
  const { dir, timeoutMs, signal } = options;
  const input = new PassThrough();
  const env = gitEnvironment({ gitDir: dir });
  const args = ['cat-file', '--batch'];
  const source = buffered(
    streamGitProcess({ doing, args, env, cwd: dir, input, timeoutMs, signal }),
  );

  async function* read(ids: readonly string[], maxBytes: number): AsyncGenerator<GitObject> {
    if (ids.length === 0) return;
    input.write(`${ids.join('\n')}\n`);
    let left = maxBytes;
    for (const wanted of ids) {
      const [id = wanted, type, size] = (await source.line())?.split(' ') ?? [];
      if (type === undefined || size === undefined) {
        throw new GitError('ReferenceNotFound', `${doing}: object ${id} not found`);
      }
      left -= Number(size);
      if (left < 0) {
        const limit = `more than ${maxBytes} bytes`;
        throw new GitError('LimitExceeded', `${doing}: the repository holds ${limit}: ${leaveOut}`);
      }
      const content = await source.bytes(Number(size));
      await source.bytes(1);
      yield { id, type, content };
    }
  }

  async function close(): Promise<void> {
    input.end();
    await source.close();
  }
  return { reader: { read }, close };
}

/** What to do about a repository that is too large. */
const leaveOut = 'leave files out with spec.ignore or .sourceignore';

/** Reads lines and counted bytes from chunks, copying each byte at most once. */
function buffered(stream: AsyncGenerator<Buffer>) {
  let chunk: Buffer = Buffer.alloc(0);
  async function more(): Promise<boolean> {
    const next = await stream.next();
    if (next.done) return false;
    chunk = chunk.length === 0 ? next.value : Buffer.concat([chunk, next.value]);
    return true;
  }
  async function line(): Promise<string | undefined> {
    for (;;) {
      const end = chunk.indexOf(0x0a);
      if (end >= 0) {
        const text = chunk.toString('utf8', 0, end);
        chunk = chunk.subarray(end + 1);
        return text;
      }
      if (!(await more())) return undefined;
    }
  }
  async function bytes(count: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    let missing = count;
    while (missing > 0) {
      if (chunk.length === 0 && !(await more())) {
        throw new GitError('GitOperationFailed', 'unable to read objects: git ended early');
      }
      const part = chunk.subarray(0, missing);
      chunk = chunk.subarray(part.length);
      parts.push(part);
      missing -= part.length;
    }
    return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
  }
  return { line, bytes, close: () => stream.return(undefined) };
}
