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

/**
 * Runs git on a local repository and yields its standard output as it comes.
 * @param input written to its standard input
 * @throws GitError
 */
export function streamGit(
  doing: string,
  args: readonly string[],
  options: ReadOptions & { input?: string },
): AsyncGenerator<Buffer> {
  const { dir, input, timeoutMs, signal } = options;
  const env = gitEnvironment({ gitDir: dir });
  return streamGitProcess({ doing, args, env, cwd: dir, input, timeoutMs, signal });
}

export interface GitObject {
  id: string;
  type: string;
  content: Buffer;
}

/**
 * Reads objects by id with one `git cat-file --batch`, in the order asked for; one object is in memory at a time.
 * @param maxBytes the most that all of them may hold together
 * @throws GitError LimitExceeded; ReferenceNotFound for an object that the repository lacks
 */
export async function* readObjects(
  ids: readonly string[],
  options: ReadOptions & { maxBytes: number },
): AsyncGenerator<GitObject> {
  if (ids.length === 0) return;
  const doing = 'unable to read objects';
  const input = `${ids.join('\n')}\n`;
  const stream = streamGit(doing, ['cat-file', '--batch'], { ...options, input });
  const source = buffered(stream);
  let left = options.maxBytes;
  try {
    for (const wanted of ids) {
      const [id = wanted, type, size] = (await source.line())?.split(' ') ?? [];
      if (type === undefined || size === undefined) {
        throw new GitError('ReferenceNotFound', `${doing}: object ${id} not found`);
      }
      left -= Number(size);
      if (left < 0) {
        const limit = `more than ${options.maxBytes} bytes`;
        throw new GitError('LimitExceeded', `${doing}: the repository holds ${limit}: ${leaveOut}`);
      }
      const content = await source.bytes(Number(size));
      await source.bytes(1);
      yield { id, type, content };
    }
  } finally {
    await source.close();
  }
}

/** What to do about a repository that is too large. */
export const leaveOut = 'leave files out with spec.ignore or .sourceignore';

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
