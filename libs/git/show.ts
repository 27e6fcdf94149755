import { checkCommitId } from './arguments.ts';
import { runGit } from './run.ts';

/** A commit with what it changes, as `git show` writes it for people. */
export function showCommit(options: {
  /** The bare repository, which has its parent too. */
  dir: string;
  commit: string;
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}): Promise<string> {
  const { dir, commit, timeoutMs, signal } = options;
  const args = [
    'show',
    '--no-color',
    '--no-ext-diff',
    '--no-textconv',
    checkCommitId(commit),
    '--',
  ];
  return runGit('unable to show a commit', args, { gitDir: dir, timeoutMs, signal });
}
