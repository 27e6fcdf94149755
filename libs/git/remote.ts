import { maskUrl } from '@weir/telemetry';
import { checkRefName, parseRemoteUrl } from './arguments.ts';
import { askRefs } from './ask-refs.ts';
import type { GitAuth } from './auth.ts';
import { startDeadline } from './deadline.ts';
import { type Destination, findDestination, type NetworkPolicy } from './destination.ts';
import { explainFailure, GitError } from './errors.ts';
import type { GitLimits } from './limits.ts';
import { querySecrets } from './mask.ts';
import { type GitProxy, proxySecrets } from './proxy.ts';
import { redirectTarget } from './redirect.ts';
import { withRelay } from './relay.ts';
import { type RunOptions, runGit } from './run.ts';

export interface RemoteOptions {
  url: string;
  auth?: GitAuth | undefined;
  /** Milliseconds for each conversation with the server, redirects included. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
  /** Accepts `file://` URLs (tests). */
  allowFile?: boolean;
  /** Which addresses may be connected to; loopback, link-local and similar ones only if it allows them. */
  network?: NetworkPolicy | undefined;
  /** The proxy to use in place of the operator's. */
  proxy?: GitProxy | undefined;
  limits?: Partial<GitLimits> | undefined;
  /** Runs each conversation with the server when there is a slot for it. */
  slot?: Slot | undefined;
}

export type Slot = <T>(work: () => Promise<T>) => Promise<T>;

const ALL_TAGS = 'refs/tags/*';

export interface ListRemoteOptions extends RemoteOptions {
  /** Full names of the references that are wanted; `refs/tags/*` for all tags. All of them when it isn't given. */
  refs?: readonly string[];
}

/**
 * Asks a Git server for its references: by HTTP if that is possible, otherwise with `git ls-remote`.
 * @returns commit or object id by full reference name ('HEAD', 'refs/heads/main', 'refs/tags/v1'); an annotated tag's
 * commit is under its name with '^{}' (gitprotocol-common). A missing reference is absent.
 * @throws GitError
 */
export async function listRemote(options: ListRemoteOptions): Promise<Map<string, string>> {
  const { refs } = options;
  for (const ref of refs ?? []) if (ref !== ALL_TAGS) checkRefName(ref);
  const output = await runRemote(
    `unable to list remote for '${shownUrl(options)}'`,
    (target) => ['ls-remote', ...namespaces(refs), '--', target, ...patterns(refs)],
    { ...options, ask: refs },
  );
  return parseRefs(shownUrl(options), output);
}

/** Whether a repository has any reference at all. */
export async function hasReferences(options: RemoteOptions): Promise<boolean> {
  const doing = `unable to list remote for '${shownUrl(options)}'`;
  const args = (target: string) => ['ls-remote', '--', target];
  return (await runRemote(doing, args, { ...options, firstOnly: true })) !== '';
}

/** The URL for messages: without credentials, and without the values of its query. */
export function shownUrl({ url, allowFile }: Pick<RemoteOptions, 'url' | 'allowFile'>): string {
  return maskUrl(parseRemoteUrl(url, allowFile).url);
}

export interface RunRemoteOptions extends RemoteOptions, Pick<RunOptions, 'gitDir' | 'firstOnly'> {
  /** The references that the command lists, if that is all it does. */
  ask?: readonly string[] | undefined;
}

/**
 * Runs a git command against a remote, at an address that the policy allows. git follows no redirect: a permitted one
 * is followed here.
 * @param args the arguments, given the URL to use
 */
export async function runRemote(
  doing: string,
  args: (url: string) => string[],
  options: RunRemoteOptions,
): Promise<string> {
  const { slot = (work) => work() } = options;
  return slot(async () => {
    const deadline = startDeadline(options.timeoutMs, options.signal);
    try {
      return await converse(doing, args, { ...options, signal: deadline.signal });
    } catch (error) {
      deadline.check(doing);
      throw error;
    } finally {
      deadline.clear();
    }
  });
}

async function converse(
  doing: string,
  args: (url: string) => string[],
  options: RunRemoteOptions & { signal: AbortSignal },
): Promise<string> {
  const { url } = parseRemoteUrl(options.url, options.allowFile);
  const auth = credentialsFor(options.url, options.auth, options.allowFile);
  const { network, signal, proxy, ask } = options;
  const secrets = [...querySecrets(url), ...(proxy ? proxySecrets(proxy) : [])];

  /** Adds what was being done to errors of finding the way to a server. */
  async function finding<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (cause) {
      if (!(cause instanceof GitError)) throw cause;
      throw new GitError(cause.reason, `${doing}: ${cause.message}`, { cause });
    }
  }

  async function run(target: string): Promise<string> {
    const destination = await finding(findDestination(target, network, proxy));
    const { url, config, ssh } = destination;
    const asked = ask && (await askRefs({ destination, refs: ask, auth, network, signal }));
    if (asked !== undefined) {
      if ('output' in asked) return asked.output;
      throw explainFailure(doing, `The requested URL returned error: ${asked.status}`, { secrets });
    }
    const running = { ...options, auth, config, secrets };
    if (ssh === undefined) return runGit(doing, args(url), running);
    return overSsh(doing, args, { ...destination, ssh }, { ...running, signal });
  }

  try {
    return await run(url);
  } catch (error) {
    if (!(error instanceof GitError) || error.reason !== 'Redirected') throw error;
    return run(await finding(redirectTarget(url, { auth, signal, network, proxy })));
  }
}

/** Addresses of an SSH server that are tried, each for its share of the time. */
const maxAddresses = 4;

/** git tries all addresses of a host by itself; ssh gets one at a time, or a port that leads through the proxy. */
async function overSsh(
  doing: string,
  args: (url: string) => string[],
  { url, ssh, route, addresses }: Destination & { ssh: NonNullable<Destination['ssh']> },
  running: RunOptions & { signal: AbortSignal },
): Promise<string> {
  const { timeoutMs, signal } = running;
  if (route !== undefined) {
    return withRelay({ ...ssh, route, timeoutMs, signal }, async (port) => {
      const near = new URL(url);
      near.port = String(port);
      const server = { ...ssh, address: '127.0.0.1', timeoutMs };
      return runGit(doing, args(near.href), { ...running, ssh: server });
    }).catch((cause: unknown) => {
      if (!(cause instanceof GitError) || cause.message.startsWith(doing)) throw cause;
      throw new GitError(cause.reason, `${doing}: ${cause.message}`, { cause });
    });
  }
  const tried = addresses.slice(0, maxAddresses);
  const shareMs = Math.ceil(timeoutMs / tried.length);
  for (const [index, address] of tried.entries()) {
    try {
      const server = { ...ssh, address, timeoutMs: shareMs };
      return await runGit(doing, args(url), { ...running, ssh: server });
    } catch (error) {
      const isUnreachable = error instanceof GitError && error.reason === 'Unreachable';
      if (!isUnreachable || index === tried.length - 1) throw error;
    }
  }
  throw new GitError('Unreachable', `${doing}: '${ssh.host}' has no address`);
}

/** The credentials to use: the given ones, otherwise those in the URL, as in Flux. */
export function credentialsFor(
  url: string,
  auth: GitAuth | undefined,
  allowFile = false,
): GitAuth | undefined {
  const { username, password } = parseRemoteUrl(url, allowFile);
  if (url.startsWith('ssh:')) return auth?.ssh && { ssh: { ...withUser(username), ...auth.ssh } };
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

function withUser(user: string | undefined) {
  return user === undefined ? {} : { user };
}

// With --heads or --tags the server itself leaves out references with other prefixes (protocol v2, ref-prefix).
function namespaces(refs: readonly string[] | undefined): string[] {
  if (!refs || refs.length === 0) return [];
  if (refs.every((ref) => ref.startsWith('refs/heads/'))) return ['--heads'];
  if (refs.every((ref) => ref.startsWith('refs/tags/'))) return ['--tags'];
  return [];
}

function patterns(refs: readonly string[] | undefined): string[] {
  return (refs ?? []).flatMap((ref) =>
    ref.startsWith('refs/tags/') && !/(\*|\^\{\})$/.test(ref) ? [ref, `${ref}^{}`] : [ref],
  );
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
