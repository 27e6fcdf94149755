import { checkRefName, parseRemoteUrl } from './arguments.ts';
import type { GitAuth } from './auth.ts';
import { GitError } from './errors.ts';
import { redirectTarget } from './redirect.ts';
import { runGit } from './run.ts';

export interface RemoteOptions {
  url: string;
  auth?: GitAuth | undefined;
  /** Milliseconds for the whole operation. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
  /** Accepts `file://` URLs (tests). */
  allowFile?: boolean;
}

export interface ListRemoteOptions extends RemoteOptions {
  /** Full names of the references that are wanted; `refs/tags/*` for all tags. All of them when it isn't given. */
  refs?: readonly string[];
}

/**
 * Asks a Git server for its references (`git ls-remote`).
 * @returns commit or object id by full reference name ('HEAD', 'refs/heads/main', 'refs/tags/v1'); an annotated
 *   tag's commit is under its name with '^{}' (gitprotocol-common). A reference that is not there is absent.
 * @throws GitError
 */
export async function listRemote(options: ListRemoteOptions): Promise<Map<string, string>> {
  const { url } = parseRemoteUrl(options.url, options.allowFile);
  const output = await runRemote(
    `unable to list remote for '${url}'`,
    (target) => ['ls-remote', ...namespaces(options.refs), '--', target, ...patterns(options.refs)],
    options,
  );
  return parseRefs(url, output);
}

/**
 * Runs a git command against a remote. With credentials git follows no redirect; one within the host is followed here.
 * @param args the arguments, given the URL to use
 */
export async function runRemote(
  doing: string,
  args: (url: string) => string[],
  options: RemoteOptions & { gitDir?: string },
): Promise<string> {
  const { url } = parseRemoteUrl(options.url, options.allowFile);
  const auth = credentialsFor(options.url, options.auth, options.allowFile);
  try {
    return await runGit(doing, args(url), { ...options, auth });
  } catch (error) {
    if (!auth || !(error instanceof GitError) || error.reason !== 'Redirected') throw error;
    const target = await redirectTarget(url, { ...options, auth }).catch((cause: unknown) => {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new GitError('GitOperationFailed', `${doing}: ${why}`, { cause });
    });
    return runGit(doing, args(target), { ...options, auth });
  }
}

/** The credentials to use: those given, else those in the URL, as Flux takes them. */
export function credentialsFor(
  url: string,
  auth: GitAuth | undefined,
  allowFile = false,
): GitAuth | undefined {
  const { username, password } = parseRemoteUrl(url, allowFile);
  if (auth?.bearerToken !== undefined) return auth;
  const user = auth?.username || username;
  const pass = auth?.password || password;
  if (user === undefined && pass === undefined) return auth;
  return {
    ...auth,
    ...(user === undefined ? {} : { username: user }),
    ...(pass === undefined ? {} : { password: pass }),
  };
}

// With --heads or --tags the server itself leaves out what is under other prefixes (protocol v2, ref-prefix).
function namespaces(refs: readonly string[] | undefined): string[] {
  if (!refs || refs.length === 0) return [];
  if (refs.every((ref) => ref.startsWith('refs/heads/'))) return ['--heads'];
  if (refs.every((ref) => ref.startsWith('refs/tags/'))) return ['--tags'];
  return [];
}

function patterns(refs: readonly string[] | undefined): string[] {
  return (refs ?? []).flatMap((ref) => {
    if (ref === 'refs/tags/*') return [ref];
    checkRefName(ref);
    return ref.startsWith('refs/tags/') && !ref.endsWith('^{}') ? [ref, `${ref}^{}`] : [ref];
  });
}

function parseRefs(url: string, output: string): Map<string, string> {
  const refs = new Map<string, string>();
  for (const line of output.split('\n')) {
    if (line === '') continue;
    const match = /^([0-9a-f]{40}|[0-9a-f]{64})\t(\S+)$/.exec(line);
    if (!match?.[1] || !match[2]) {
      throw new GitError(
        'GitOperationFailed',
        `unable to list remote for '${url}': the server's list of references can't be read`,
      );
    }
    refs.set(match[2], match[1]);
  }
  return refs;
}
