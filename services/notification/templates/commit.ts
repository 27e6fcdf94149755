import type { ObjectFacts } from './facts.ts';

/** What a template may say of a commit; texts that are not known are empty. */
export interface Commit {
  sha: string;
  subject: string;
  author: string;
}

/** Reads subject and author of the commit of a revision, from what its GitRepository announced last. */
export type ReadCommit = (
  object: ObjectFacts,
  revision: string,
) => Promise<Pick<Commit, 'subject' | 'author'> | undefined>;
