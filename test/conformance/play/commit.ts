import { findCondition, GitRepository, READY, RECONCILE_REQUEST } from '@weir/api';
import { type FileChange, type GitServerRepository, until } from '@weir/cluster';
import type { FileContent } from '../fixture.ts';
import { DEFAULT_NAME, type FixtureRun, MANAGER, type StepOf, WAIT } from './fixture-run.ts';

const FIRST_COMMIT = Date.UTC(2026, 0, 1);

/** Commits and waits until the source has the commit. Dates are fixed, so that the hash is the same in each run. */
export async function commit(run: FixtureRun, step: StepOf<'commit'>): Promise<void> {
  const { fixture, client } = run;
  const { source = DEFAULT_NAME } = step;
  const repository = await repositoryOf(run, source);
  const files = Object.entries(step.commit).map(([path, content]) => [path, toChange(content)]);
  const date = new Date(FIRST_COMMIT + run.commitCount++ * 1_000);
  const sha = await repository.commit(Object.fromEntries(files), { date });
  run.commits.set(source, sha);
  const ref = { namespace: fixture.namespace, name: source };
  await client.apply(
    GitRepository,
    {
      apiVersion: GitRepository.apiVersion,
      kind: 'GitRepository',
      metadata: { ...ref, annotations: { [RECONCILE_REQUEST]: sha } },
      spec: { interval: '1h', url: repository.url, ref: { branch: 'main' } },
    },
    { fieldManager: MANAGER, force: true },
  );
  await until(
    async () => {
      const { status } = await client.get<GitRepository>(GitRepository, ref);
      const isThere =
        status?.artifact?.revision === `main@sha1:${sha}` &&
        status.lastHandledReconcileAt === sha &&
        findCondition(status.conditions, READY)?.status === 'True';
      if (!isThere) throw new Error(JSON.stringify(status));
      return true;
    },
    { ...WAIT, message: `the artifact of ${sha}` },
  );
}

async function repositoryOf(
  { fixture, git, repositories }: FixtureRun,
  source: string,
): Promise<GitServerRepository> {
  const known = repositories.get(source);
  if (known !== undefined) return known;
  const repository = await git.createRepository(`${fixture.namespace}-${source}`);
  repositories.set(source, repository);
  return repository;
}

function toChange(content: FileContent): FileChange {
  if (content === null || typeof content === 'string') return content;
  if ('symlink' in content) return { content: content.symlink, mode: '120000' };
  return content.repeat.repeat(content.times);
}
