// The Git repositories of the recorded cases: a branch for each case, on a root commit that all have.
import type { GitServer, GitServerRepository } from '@weir/cluster';

type Files = Record<string, string | { symlink: string }>;

export interface GitSetup {
  repository: string;
  branch: string;
  files: Files;
}

export interface GitBranches {
  standIns: Record<string, string>;
  create(setup: GitSetup): Promise<void>;
  commit(setup: GitSetup, files: Files): Promise<void>;
}

/** Of every commit: what a recording calls a revision depends on it. */
const COMMIT = {
  author: { name: 'a', email: 'a@example.com' },
  date: new Date(1_700_000_000_000),
};

export function gitBranches(server: GitServer): GitBranches {
  const repositories = new Map<string, Promise<{ it: GitServerRepository; root: string }>>();

  async function open(name: string) {
    const it = await server.createRepository(name.replace(/\.git$/, ''));
    const root = await it.commit({ 'root.txt': 'x' }, { ...COMMIT, message: 'root\n' });
    return { it, root };
  }

  function repositoryOf({ repository }: GitSetup) {
    const opening = repositories.get(repository) ?? open(repository);
    repositories.set(repository, opening);
    return opening;
  }

  return {
    standIns: { GIT: new URL(server.url).host },
    async create(setup) {
      const { it, root } = await repositoryOf(setup);
      const { branch } = setup;
      await it.commit(changesOf(setup.files), { ...COMMIT, branch, parent: root, message: 'x\n' });
    },
    async commit(setup, files) {
      const { it } = await repositoryOf(setup);
      await it.commit(changesOf(files), { ...COMMIT, branch: setup.branch, message: 'x\n' });
    },
  };
}

function changesOf(files: Files) {
  return Object.fromEntries(
    Object.entries(files).map(([path, file]) => [
      path,
      typeof file === 'string' ? file : { content: file.symlink, mode: '120000' as const },
    ]),
  );
}
