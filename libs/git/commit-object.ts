// Commit objects as git stores them (https://git-scm.com/docs/git-commit-tree).
import { GitError } from './errors.ts';

export interface NewCommit {
  tree: string;
  parents: readonly string[];
  /** Author and committer. */
  author: { name: string; email: string };
  when: Date;
  /** It is kept unchanged, even if it is empty or begins or ends with empty lines. */
  message: string;
}

/**
 * The commit as it is signed, or stored without a signature.
 * @throws GitError InvalidArgument for a message with a NUL, at which git would end it
 */
export function commitContent({ tree, parents, author, when, message }: NewCommit): Buffer {
  if (message.includes('\0')) {
    throw new GitError('InvalidArgument', 'the commit message holds a NUL character');
  }
  const who = `${identity(author.name)} <${identity(author.email)}> ${Math.floor(when.getTime() / 1000)} +0000`;
  const lines = [
    `tree ${tree}`,
    ...parents.map((parent) => `parent ${parent}`),
    `author ${who}`,
    `committer ${who}`,
  ];
  return Buffer.from(`${lines.join('\n')}\n\n${message}`);
}

/** Removes characters that would end a name or an address, because what follows would be read as another header. */
function identity(text: string): string {
  return text.replace(/[\n\r\0<>]/g, '');
}

/** Puts an armored signature into a commit (https://git-scm.com/docs/gitformat-signature). */
export function withSignature(content: Buffer, signature: string): Buffer {
  const end = content.indexOf('\n\n') + 1;
  const lines = signature.trimEnd().split('\n').join('\n ');
  return Buffer.concat([
    content.subarray(0, end),
    Buffer.from(`gpgsig ${lines}\n`),
    content.subarray(end),
  ]);
}
