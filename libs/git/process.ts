import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { startDeadline } from './deadline.ts';
import { explainFailure, GitError } from './errors.ts';
import { defaultGitLimits, type GitLimits } from './limits.ts';

export interface Command {
  /** The program, found in PATH: git unless given. */
  program?: 'git' | 'gpg' | 'ssh-keygen';
  /** The start of an error's message, such as "unable to clone 'https://...'". */
  doing: string;
  args: readonly string[];
  env: Record<string, string>;
  cwd: string;
  /** What it reads on its standard input; nothing unless given. */
  input?: Readable;
  /** Milliseconds until it is ended. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
  /** Masked in messages. */
  secrets?: readonly string[];
  limits?: Partial<GitLimits> | undefined;
}

/**
 * Runs git, or a program that git would run, and yields its standard output. git starts helpers (git-remote-https,
 * index-pack, ssh) that don't end with it, so it gets a process group of its own. The whole group is killed when the
 * time is up, when `signal` aborts, or when the reader stops before the end.
 * @throws GitError Timeout, Aborted, LimitExceeded, or the cause from the program's standard error
 */
export async function* streamProcess(command: Command): AsyncGenerator<Buffer> {
  const { doing, program = 'git', args, env, cwd, signal } = command;
  if (signal?.aborted) throw new GitError('Aborted', `${doing}: stopped`);
  const limits = { ...defaultGitLimits, ...command.limits };
  const deadline = startDeadline(command.timeoutMs, signal);
  const shell = ['-c', withLimits(limits), program, ...args];
  const child = spawn('/bin/sh', shell, { env, cwd, detached: true, stdio: 'pipe' });
  const ended = exitOf(child);
  let closed = false;
  child.once('close', () => {
    closed = true;
  });
  const kill = () => {
    if (!closed) killGroup(child);
  };
  // A helper that waits for the server would keep the pipes open, and with them the slot, after git gave up.
  child.once('exit', kill);
  deadline.signal.addEventListener('abort', kill, { once: true });
  try {
    if (command.input) command.input.pipe(child.stdin);
    else child.stdin.end();
    for await (const chunk of child.stdout) yield chunk as Buffer;
    const { code, failure, stderr } = await ended;
    deadline.check(doing);
    if (failure) throw new GitError('GitOperationFailed', `${doing}: ${failure.message}`);
    if (code !== 0) throw explainFailure(doing, stderr, { secrets: command.secrets, limits });
  } finally {
    deadline.signal.removeEventListener('abort', kill);
    deadline.clear();
    kill();
  }
}

/**
 * A shell script that sets limits and then becomes the program. It is the same for all programs and arguments, which it hands
 * on as words. The kernel holds the limits, whatever a repository makes git do. Setting one fails where a lower one holds already.
 * (POSIX sh: memory in KiB, files in blocks of 512 bytes. With the signal ignored git reports a file that is too large.)
 */
function withLimits({ memoryBytes, fileBytes }: GitLimits): string {
  const memory = `ulimit -d ${Math.floor(memoryBytes / 1024)} 2>/dev/null`;
  const file = `ulimit -f ${Math.ceil(fileBytes / 512)} 2>/dev/null`;
  return `trap '' XFSZ; ${memory}; ${file}; exec "$0" "$@"`;
}

interface Exit {
  code: number | null;
  failure?: Error;
  stderr: string;
}

const maxErrorOutput = 16 * 1024;

function exitOf(child: ChildProcessWithoutNullStreams): Promise<Exit> {
  let stderr = '';
  let failure: Error | undefined;
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-maxErrorOutput);
  });
  child.on('error', (error) => {
    failure = error;
  });
  // git closes its input early when it fails; its exit code tells the rest.
  child.stdin.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') failure ??= error;
  });
  return new Promise((resolve) => {
    child.on('close', (code) => resolve({ code, stderr, ...(failure ? { failure } : {}) }));
  });
}

function killGroup(child: ChildProcessWithoutNullStreams): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    // Nobody is left of it.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
