import { checkCommitId } from './arguments.ts';
import { GitError } from './errors.ts';
import { type ObjectReader, wholeContent } from './objects.ts';

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

/** The most that one commit object may hold, in bytes: a signature and a long message are a few thousand. */
const maxCommitBytes = 1024 * 1024;

/**
 * Reads a commit's metadata from a repository.
 * @throws GitError ReferenceNotFound when the repository lacks it
 */
export async function readCommit(objects: ObjectReader, id: string): Promise<Commit> {
  let commit: Commit | undefined;
  for await (const object of objects.read([checkCommitId(id)], Number.MAX_SAFE_INTEGER)) {
    if (object.type !== 'commit') continue;
    const content = await wholeContent(object, maxCommitBytes, `commit '${id}'`);
    commit = parseCommit(id, content.toString('utf8'));
  }
  if (commit !== undefined) return commit;
  throw new GitError('ReferenceNotFound', `unable to resolve commit object for '${id}'`);
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
