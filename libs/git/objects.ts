import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { startDeadline } from './deadline.ts';
import { gitEnvironment } from './environment.ts';
import { GitError } from './errors.ts';

export interface ReadOptions {
  /** The bare repository. */
  dir: string;
  /** Milliseconds for all that is read. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

/**
 * Runs git on a local repository and yields its standard output as it comes. The process has a group of its own,
 * which is killed when the time is up, when `signal` fires, or when the reader stops before the end.
 * @param input written to its standard input
 * @throws GitError
 */
export async function* streamGit(
  doing: string,
  args: readonly string[],
  options: ReadOptions & { input?: string },
): AsyncGenerator<Buffer> {
  if (options.signal?.aborted) throw new GitError('Aborted', `${doing}: stopped`);
  const deadline = startDeadline(options.timeoutMs, options.signal);
  const child = spawn('git', args, {
    env: gitEnvironment({ gitDir: options.dir }),
    cwd: options.dir,
    detached: true,
    stdio: 'pipe',
  });
  const ended = exitOf(child);
  const kill = () => killGroup(child);
  deadline.signal.addEventListener('abort', kill, { once: true });
  try {
    child.stdin.end(options.input ?? '');
    for await (const chunk of child.stdout) yield chunk as Buffer;
    const { code, failure, stderr } = await ended;
    deadline.check(doing);
    if (failure) throw new GitError('GitOperationFailed', `${doing}: ${failure.message}`);
    if (code !== 0) throw new GitError('GitOperationFailed', `${doing}: ${stderr.trim()}`);
  } finally {
    deadline.clear();
    kill();
  }
}

interface Exit {
  code: number | null;
  failure?: Error;
  stderr: string;
}

function exitOf(child: ChildProcessWithoutNullStreams): Promise<Exit> {
  let stderr = '';
  let failure: Error | undefined;
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-4096);
  });
  child.on('error', (error) => {
    failure = error;
  });
  // A reader that stopped early closes the pipe under git's request list; its exit code tells the rest.
  child.stdin.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') failure ??= error;
  });
  return new Promise((resolve) => {
    child.on('close', (code) => resolve({ code, stderr, ...(failure ? { failure } : {}) }));
  });
}

function killGroup(child: ChildProcessWithoutNullStreams): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    // It ended between the check and the signal.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
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
