import { type GitAuth, withAuth } from './auth.ts';
import { gitEnvironment } from './environment.ts';
import { GitError } from './errors.ts';
import { streamGitProcess } from './process.ts';

export interface RunOptions {
  /** The bare repository to work in; none for a command that needs no repository. */
  gitDir?: string;
  auth?: GitAuth | undefined;
  /** Lets git read repositories of this machine by `file://` (tests). */
  allowFile?: boolean;
  /** Milliseconds until the command is ended. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

/** The most that a command may answer, in bytes: about 500,000 references. */
const maxOutput = 64 * 1024 * 1024;

/**
 * Runs one git command to its end and returns its standard output.
 * @param doing what it is for, the start of an error's message
 * @throws GitError
 */
export async function runGit(
  doing: string,
  args: readonly string[],
  options: RunOptions,
): Promise<string> {
  const { gitDir, timeoutMs, signal } = options;
  return withAuth(options.auth, async ({ config, secrets }) => {
    const env = gitEnvironment({ ...options, config: [...config, ...patience(timeoutMs)] });
    const process = { doing, args, env, cwd: gitDir ?? '/', timeoutMs, signal, secrets };
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of streamGitProcess(process)) {
      size += chunk.length;
      if (size > maxOutput)
        throw new GitError(
          'LimitExceeded',
          `${doing}: the answer is larger than ${maxOutput} bytes`,
        );
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
  });
}

/** Lets git end by itself, a little later than we end it, when nobody is left to do so. */
function patience(timeoutMs: number): [key: string, value: string][] {
  return [
    ['http.lowSpeedLimit', '1'],
    ['http.lowSpeedTime', String(Math.ceil(timeoutMs / 1000) + 5)],
  ];
}
