import { checkCommitId, checkRefName } from './arguments.ts';
import { GitError } from './errors.ts';
import { type RemoteOptions, runRemote } from './remote.ts';

export interface PushedRef {
  /** The commit; undefined deletes the reference. */
  commit: string | undefined;
  /** Full name of the reference at the server. */
  ref: string;
  /** The commit that it must have before, or `''` if it must not exist. Without it the push must be a fast-forward. */
  expected?: string;
}

export interface PushOptions extends RemoteOptions {
  /** The bare repository with the commit. */
  dir: string;
  refs: readonly PushedRef[];
  /** For the server, by their keys. */
  options?: Readonly<Record<string, string>> | undefined;
}

/**
 * Pushes commits: all references or none of them, if the server supports that. A reference that is not at the expected
 * commit stays as it is, so nobody's push is lost.
 * @throws GitError ReferenceMoved when one isn't at the expected commit; PushRefused when the server refuses it
 */
export async function pushCommits(options: PushOptions): Promise<void> {
  const doing = 'failed to push to remote';
  const leases = options.refs.flatMap(({ ref, expected }) =>
    expected === undefined ? [] : [`--force-with-lease=${checkRefName(ref)}:${expected}`],
  );
  const refspecs = options.refs.map(
    ({ commit, ref }) =>
      `${commit === undefined ? '' : checkCommitId(commit)}:${checkRefName(ref)}`,
  );
  const args = (atomic: boolean) => (target: string) => [
    ...['push', '--no-verify', '--no-progress', '--no-recurse-submodules', '--no-signed'],
    ...(atomic ? ['--atomic'] : []),
    ...Object.entries(options.options ?? {})
      .toSorted()
      .map(pushOption),
    ...leases,
    ...['--', target, ...refspecs],
  ];
  const run = (atomic: boolean) =>
    runRemote(doing, args(atomic), { ...options, gitDir: options.dir });
  try {
    await run(options.refs.length > 1);
  } catch (error) {
    const isPlain = error instanceof GitError && /does not support --atomic/.test(error.message);
    if (!isPlain) throw error;
    await run(false);
  }
}

/** The longest option, in bytes; git takes it on one line. */
const MAX_OPTION_BYTES = 4096;

function pushOption([key, value]: [string, string]): string {
  const option = `${key}=${value}`;
  if (/[\n\r\0]/.test(option) || Buffer.byteLength(option) > MAX_OPTION_BYTES) {
    const message = `the push option '${key.slice(0, 50).replace(/[\n\r\0]/g, ' ')}' can't be sent: it must be one line of at most ${MAX_OPTION_BYTES} bytes`;
    throw new GitError('InvalidArgument', message);
  }
  return `--push-option=${option}`;
}

/**
 * The reference that a refspec such as `refs/heads/main:refs/for/main` pushes to when `branch` is the only branch.
 * @returns the full name at the server
 * @throws GitError InvalidArgument for a refspec that deletes, forces, or is about another branch
 */
export function refspecTarget(refspec: string, branch: string): string {
  const [from = '', to, ...rest] = refspec.split(':');
  const own = `refs/heads/${branch}`;
  const fail = (why: string): never => {
    throw new GitError('InvalidArgument', `the push refspec '${refspec}' can't be used: ${why}`);
  };
  if (to === undefined || rest.length > 0 || from === '' || to === '' || from.startsWith('+')) {
    return fail('it must be like refs/heads/main:refs/heads/other');
  }
  const stars = [from, to].map((side) => side.split('*').length - 1);
  if (stars[0] !== stars[1] || (stars[0] ?? 0) > 1) return fail("both sides need one '*' or none");
  if (stars[0] === 0) {
    if (from !== own && from !== branch && from !== 'HEAD') return fail(`it is not about ${own}`);
    return checkRefName(to.startsWith('refs/') ? to : `refs/heads/${to}`);
  }
  const [head = '', tail = ''] = from.split('*');
  const matches =
    own.startsWith(head) && own.endsWith(tail) && own.length >= head.length + tail.length;
  if (!matches) return fail(`it is not about ${own}`);
  return checkRefName(to.replace('*', () => own.slice(head.length, own.length - tail.length)));
}
