import { type AuthConfig, type GitAuth, secretsOf, withAuth } from './auth.ts';
import { gitEnvironment } from './environment.ts';
import { GitError } from './errors.ts';
import type { GitLimits } from './limits.ts';
import { streamProcess } from './process.ts';
import { type SshSession, withSsh } from './ssh.ts';
import type { SshServer } from './ssh-config.ts';

export interface RunOptions {
  /** The bare repository to work in; none for a command that needs no repository. */
  gitDir?: string;
  auth?: GitAuth | undefined;
  /** The server, for a URL that git hands to ssh. */
  ssh?: SshServer | undefined;
  /** Configuration besides that of every git process. */
  config?: readonly (readonly [key: string, value: string])[];
  /** Lets git read repositories of this machine by `file://` (tests). */
  allowFile?: boolean;
  /** Milliseconds until the command is ended. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
  limits?: Partial<GitLimits> | undefined;
  /** Masked in messages, besides the credentials. */
  secrets?: readonly string[];
  /** Ends git after the first piece of its output, which need not be a whole line: to learn whether there is any. */
  firstOnly?: boolean;
}

/** The largest output of a command, in bytes: about 200,000 references. All of it is in memory. */
const MAX_OUTPUT = 16 * 1024 * 1024;

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
  const { ssh, auth, timeoutMs, signal } = options;
  if (ssh === undefined) return withAuth(auth, (config) => runWith(doing, args, options, config));
  const secrets = auth === undefined ? [] : secretsOf(auth);
  return withSsh(ssh, { credentials: auth?.ssh, timeoutMs, signal }, async (session) => {
    try {
      return await runWith(doing, args, options, { config: [], secrets }, session);
    } catch (error) {
      throw await session.explain(doing, error);
    }
  });
}

async function runWith(
  doing: string,
  args: readonly string[],
  options: RunOptions,
  auth: AuthConfig,
  session?: SshSession,
): Promise<string> {
  const { gitDir, timeoutMs, signal, limits } = options;
  const config = [...(options.config ?? []), ...auth.config, ...patience(timeoutMs)];
  const env = gitEnvironment({ ...options, config, ssh: session?.env });
  const secrets = [...auth.secrets, ...(options.secrets ?? [])];
  const process = { doing, args, env, cwd: gitDir ?? '/', timeoutMs, signal, secrets, limits };
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of streamProcess(process)) {
    size += chunk.length;
    if (size > MAX_OUTPUT) {
      const what = `the answer is larger than ${MAX_OUTPUT} bytes`;
      throw new GitError('LimitExceeded', `${doing}: ${what}`);
    }
    chunks.push(chunk);
    if (options.firstOnly) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Makes git end by itself a little after the time limit, in case this process is gone by then. */
function patience(timeoutMs: number): [key: string, value: string][] {
  return [
    ['http.lowSpeedLimit', '1'],
    ['http.lowSpeedTime', String(Math.ceil(timeoutMs / 1000) + 5)],
  ];
}
