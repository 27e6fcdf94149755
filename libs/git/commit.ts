import { checkCommitId } from './arguments.ts';
import { GitError } from './errors.ts';
import { type ReadOptions, readObjects } from './objects.ts';

export interface Signature {
  name: string;
  email: string;
  when: Date;
}

export interface Commit {
  id: string;
  tree: string;
  parents: string[];
  author: Signature;
  committer: Signature;
  message: string;
}

/** The most that one commit object may hold, in bytes. */
const maxCommitBytes = 16 * 1024 * 1024;

/**
 * Reads a commit's metadata from a repository.
 * @throws GitError ReferenceNotFound when the repository lacks it
 */
export async function readCommit(options: ReadOptions & { commit: string }): Promise<Commit> {
  const [commit] = await readCommits({ ...options, commits: [options.commit] });
  if (commit) return commit;
  throw new GitError(
    'ReferenceNotFound',
    `unable to resolve commit object for '${options.commit}': object not found`,
  );
}

/** Reads several commits, in the order given, with one process. */
export async function readCommits(
  options: ReadOptions & { commits: readonly string[] },
): Promise<Commit[]> {
  const ids = options.commits.map(checkCommitId);
  const commits: Commit[] = [];
  const maxBytes = maxCommitBytes * ids.length;
  for await (const object of readObjects(ids, { ...options, maxBytes })) {
    if (object.type !== 'commit') {
      throw new GitError(
        'ReferenceNotFound',
        `unable to resolve commit object for '${object.id}': it is a ${object.type}`,
      );
    }
    commits.push(parseCommit(object.id, object.content.toString('utf8')));
  }
  return commits;
}

/** Parses a commit object (https://git-scm.com/docs/git-commit-tree): headers, an empty line, the message. */
export function parseCommit(id: string, text: string): Commit {
  const end = text.indexOf('\n\n');
  const headers = (end < 0 ? text : text.slice(0, end)).split('\n');
  const message = end < 0 ? '' : text.slice(end + 2);
  const values = (name: string) =>
    headers
      .filter((line) => line.startsWith(`${name} `))
      .map((line) => line.slice(name.length + 1));
  return {
    id,
    tree: values('tree')[0] ?? '',
    parents: values('parent'),
    author: parseSignature(values('author')[0] ?? ''),
    committer: parseSignature(values('committer')[0] ?? ''),
    message,
  };
}

function parseSignature(text: string): Signature {
  const match = /^(.*?) ?<([^>]*)> ?(-?\d+)?/.exec(text);
  return {
    name: match?.[1] ?? '',
    email: match?.[2] ?? '',
    when: new Date(Number(match?.[3] ?? 0) * 1000),
  };
}

/** A commit's subject, at most 50 characters and then '...': how Flux's events name a commit. */
export function shortMessage(commit: Commit): string {
  const subject = commit.message.split('\n')[0] ?? '';
  const characters = [...subject];
  return characters.length > 50 ? `${characters.slice(0, 50).join('')}...` : subject;
}
