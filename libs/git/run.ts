import { type SimpleGitOptions, simpleGit } from 'simple-git';
import { type AuthConfig, type GitAuth, withAuth } from './auth.ts';
import { startDeadline } from './deadline.ts';
import { gitEnvironment } from './environment.ts';
import { explainFailure } from './errors.ts';

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

// simple-git refuses what could run programs when its input isn't trusted. Here the environment is made by
// gitEnvironment() alone and the arguments are checked by arguments.ts.
const ours: NonNullable<SimpleGitOptions['unsafe']> = {
  allowUnsafeConfigEnvCount: true,
  allowUnsafeConfigPaths: true,
  allowUnsafeProtocolOverride: true,
  allowUnsafeHooksPath: true,
  allowUnsafeFsMonitor: true,
  allowUnsafeAskPass: true,
  allowUnsafeCredentialHelper: true,
};

/**
 * Runs one git command to its end and returns its standard output.
 * When the time is up or `signal` fires, git gets SIGINT and ends the helpers that it started.
 * @param doing what it is for, the start of an error's message
 * @throws GitError Timeout, Aborted, or what git's output tells
 */
export async function runGit(
  doing: string,
  args: readonly string[],
  options: RunOptions,
): Promise<string> {
  return withAuth(options.auth, (auth) => runWith(doing, args, options, auth));
}

async function runWith(
  doing: string,
  args: readonly string[],
  options: RunOptions,
  auth: AuthConfig,
): Promise<string> {
  const env = gitEnvironment({ ...options, config: auth.config });
  const deadline = startDeadline(options.timeoutMs, options.signal);
  const git = simpleGit({
    baseDir: options.gitDir ?? '/',
    abort: deadline.signal,
    allowEnvironment: Object.keys(env),
    unsafe: ours,
    completion: { onClose: true, onExit: false },
  }).env(env);
  try {
    return await git.raw([...args]);
  } catch (cause) {
    deadline.check(doing);
    const output = cause instanceof Error ? cause.message : String(cause);
    throw explainFailure(doing, output, auth.secrets);
  } finally {
    deadline.clear();
  }
}
