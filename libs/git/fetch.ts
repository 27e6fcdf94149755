import { createHash, randomUUID } from 'node:crypto';
import { mkdir, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { checkCommitId, checkRefName } from './arguments.ts';
import { GitError } from './errors.ts';
import { whileGrowing } from './growth.ts';
import { defaultGitLimits, type GitLimits } from './limits.ts';
import { type RemoteOptions, runRemote, shownUrl } from './remote.ts';
import { runGit } from './run.ts';

export interface FetchOptions extends RemoteOptions {
  /**
   * The bare repository that caches this remote; it is created if it is missing. Only one fetch may run in a repository
   * at a time.
   */
  dir: string;
  /** Full name of the reference that led to the commit. It is fetched if the server doesn't give commits by id. */
  ref?: string;
  commit: string;
  /** Commits of history; 1 unless given. */
  depth?: number;
  /**
   * Identifies the repository of a commit that doesn't belong to the cached remote. Commit ids in the folder are not
   * shown to its server, and nothing is fetched that the folder has.
   */
  keep?: string;
}

/**
 * Brings one commit with all its files into a bare repository. Only what the repository lacks is transferred. The
 * commit is requested by id; from a server that refuses that, the reference is fetched: shallow, with its history, or
 * as servers of plain files can serve it.
 * @throws GitError ReferenceNotFound when the commit isn't on the server, or not in `ref`; LimitExceeded when the
 * server sends more than `limits.fileBytes`, while it sends
 */
export async function fetchCommit(options: FetchOptions): Promise<void> {
  const doing = `unable to clone '${shownUrl(options)}'`;
  const commit = checkCommitId(options.commit);
  if (options.ref !== undefined) checkRefName(options.ref);
  await createRepository(options);
  if (options.keep !== undefined && (await hasCommit(options, commit))) return;

  const shallow = [`--depth=${options.depth ?? 1}`];
  const own = options.keep === undefined ? 'refs/weir' : keepAs(options.keep);
  const branches = [`+refs/heads/*:${own}/heads/*`, `+refs/tags/*:${own}/tags/*`];
  const byRef = options.ref === undefined ? branches : [`+${options.ref}:${keepAs(options.ref)}`];
  const attempts: string[][][] = [
    [
      shallow,
      [
        `+${commit}:${keepAs(options.keep ? `commit of ${options.keep}` : (options.ref ?? 'commit'))}`,
      ],
    ],
    ...(options.ref === undefined ? [] : [[shallow, byRef]]),
    [whole, byRef],
    [[], byRef],
  ];
  const apart = options.keep === undefined ? [] : ['-c', 'fetch.negotiationAlgorithm=noop'];
  let refused: GitError | undefined;
  for (const [depth = [], refspecs = []] of attempts) {
    try {
      await whileGrowing(doing, watched(options), (signal) =>
        runRemote(
          doing,
          (target) => [...apart, 'fetch', ...quick, ...depth, '--', target, ...refspecs],
          {
            ...options,
            gitDir: options.dir,
            signal,
          },
        ),
      );
      if (!refused || (await hasCommit(options, commit))) return;
      refused = new GitError(
        'ReferenceNotFound',
        `unable to resolve commit object for '${commit}': object not found`,
      );
    } catch (error) {
      if (!(error instanceof GitError) || !worthAnotherWay(error)) throw error;
      refused = error;
    }
  }
  throw refused;
}

/**
 * Brings an annotated tag into the repository of `fetchCommit`, which only fetches commits.
 * @throws GitError ReferenceNotFound when the tag is another one by now
 */
export async function fetchTag(
  options: Omit<FetchOptions, 'commit' | 'depth'> & { ref: string; id: string },
): Promise<void> {
  const doing = `unable to clone '${shownUrl(options)}'`;
  const ref = checkRefName(options.ref);
  const id = checkCommitId(options.id);
  await createRepository(options);
  const fetch = (depth: string[]) =>
    whileGrowing(doing, watched(options), (signal) =>
      runRemote(
        doing,
        (target) => ['fetch', ...quick, ...depth, '--', target, `+${ref}:${keepAs(`tag ${ref}`)}`],
        { ...options, gitDir: options.dir, signal },
      ),
    );
  await fetch(['--depth=1']).catch((error: unknown) => {
    if (!(error instanceof GitError) || !worthAnotherWay(error)) throw error;
    return fetch([]);
  });
  if (await hasObject(options, id)) return;
  const message = `unable to resolve tag object for '${id}': '${ref}' is another one by now`;
  throw new GitError('ReferenceNotFound', message);
}

/** The kernel enforces the limit for one file; a server of plain files sends many. */
function watched({ dir, signal, limits }: Pick<FetchOptions, 'dir' | 'signal' | 'limits'>) {
  return { dir, signal, maxBytes: limits?.fileBytes ?? defaultGitLimits.fileBytes };
}

/**
 * Packs the contents of a cached repository into one pack and removes what no fetch refers to any more. It must not run
 * beside a fetch or a read of the same repository.
 */
export async function tidyRepository(options: {
  dir: string;
  timeoutMs: number;
  signal?: AbortSignal | undefined;
  limits?: Partial<GitLimits> | undefined;
}): Promise<void> {
  await runGit('unable to tidy the repository cache', ['gc', '--prune=now', '--quiet'], {
    ...options,
    gitDir: options.dir,
  });
}

// Completes a shallow repository too (git-fetch, --unshallow).
const whole = ['--depth=2147483647'];

const quick = [
  '--quiet',
  '--no-tags',
  '--no-recurse-submodules',
  '--no-write-fetch-head',
  '--no-auto-maintenance',
  '--no-show-forced-updates',
  '--no-progress',
  '--update-shallow',
];

/**
 * Keeps a commit that was made here and pushed, as if the reference had been fetched: later fetches transfer the
 * difference to it, and tidying keeps it.
 */
export async function keepCommit(dir: string, ref: string, commit: string): Promise<void> {
  const file = join(dir, keepAs(checkRefName(ref)));
  await mkdir(dirname(file), { recursive: true });
  const unfinished = `${file}.${randomUUID()}`;
  await writeFile(unfinished, `${checkCommitId(commit)}\n`);
  await rename(unfinished, file);
}

/** A reference of the cache that keeps the last commit fetched for `ref`: later fetches transfer the difference. */
function keepAs(ref: string): string {
  return `refs/weir/${createHash('sha256').update(ref).digest('hex').slice(0, 16)}`;
}

/**
 * Creates the files of a bare repository (gitrepository-layout), because `git init` would be a process for each new
 * remote.
 */
async function createRepository({ dir }: Local): Promise<void> {
  const head = join(dir, 'HEAD');
  const exists = await stat(head).then(
    () => true,
    () => false,
  );
  if (exists) return;
  await mkdir(join(dir, 'objects'), { recursive: true, mode: 0o700 });
  await mkdir(join(dir, 'refs'), { recursive: true });
  await writeFile(join(dir, 'config'), '[core]\n\trepositoryformatversion = 0\n\tbare = true\n');
  // This comes last, because it marks the repository as complete.
  await writeFile(head, 'ref: refs/heads/none\n');
}

type Local = Pick<FetchOptions, 'dir' | 'timeoutMs' | 'signal'>;

function hasCommit(options: Local, commit: string): Promise<boolean> {
  return hasObject(options, `${commit}^{commit}`);
}

async function hasObject(options: Local, name: string): Promise<boolean> {
  try {
    await runGit('unable to look up an object', ['cat-file', '-t', name], {
      gitDir: options.dir,
      timeoutMs: options.timeoutMs,
      signal: options.signal,
    });
    return true;
  } catch (error) {
    if (error instanceof GitError && error.reason === 'GitOperationFailed') return false;
    throw error;
  }
}

/** Whether the server may give by reference, or in full, what it refused by commit id or as a shallow clone. */
function worthAnotherWay(error: GitError): boolean {
  return (
    error.reason === 'ReferenceNotFound' ||
    /allow request for|shallow|dumb http|does not support/i.test(error.message)
  );
}
