// Repositories for tests: made and changed with the git binary, isolated from the machine's configuration.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface TestRepository {
  /** `file://` URL of the bare repository. */
  url: string;
  /** A folder for caches, which is removed with the repository. */
  scratch: string;
  /** Runs git in a work tree whose origin is the bare repository; returns trimmed output. */
  git(...args: string[]): Promise<string>;
  /** Writes files, commits them on the current branch and pushes it; returns the commit. */
  commit(files: Record<string, string>, message?: string, at?: Date): Promise<string>;
  remove(): Promise<void>;
}

export async function createTestRepository(): Promise<TestRepository> {
  const root = await mkdtemp(join(tmpdir(), 'weir-git-test-'));
  const bare = join(root, 'remote.git');
  const work = join(root, 'work');
  const env = {
    PATH: process.env.PATH,
    HOME: root,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'Ada',
    GIT_AUTHOR_EMAIL: 'ada@example.com',
    GIT_COMMITTER_NAME: 'Ada',
    GIT_COMMITTER_EMAIL: 'ada@example.com',
  };
  async function gitWith(extra: Record<string, string>, cwd: string, args: string[]) {
    const { stdout } = await run('git', args, { cwd, env: { ...env, ...extra } });
    return stdout.trim();
  }
  await gitWith({}, root, ['init', '--bare', '--initial-branch=main', bare]);
  await gitWith({}, root, ['init', '--initial-branch=main', work]);
  await gitWith({}, work, ['remote', 'add', 'origin', bare]);
  return {
    url: `file://${bare}`,
    scratch: join(root, 'scratch'),
    git: (...args) => gitWith({}, work, args),
    async commit(files, message = 'Change files', at) {
      for (const [path, content] of Object.entries(files)) {
        await mkdir(dirname(join(work, path)), { recursive: true });
        await writeFile(join(work, path), content);
      }
      await gitWith({}, work, ['add', '--all', '--force']);
      const date = at ? { GIT_COMMITTER_DATE: at.toISOString() } : undefined;
      await gitWith({ ...date }, work, ['commit', '--allow-empty', '-m', message]);
      await gitWith({}, work, ['push', 'origin', 'HEAD']);
      return gitWith({}, work, ['rev-parse', 'HEAD']);
    },
    remove: () => rm(root, { recursive: true, force: true }),
  };
}
