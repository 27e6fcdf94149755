import { findCondition, GitRepository, READY, RECONCILE_REQUEST } from '@weir/api';
import { type FileChange, type GitServerRepository, until } from '@weir/cluster';
import type { FileContent } from '../fixture.ts';
import { DEFAULT_NAME, MANAGER, PATIENCE, type Scene, type StepOf } from './scene.ts';

const FIRST_COMMIT = Date.UTC(2026, 0, 1);

/** Commits, and waits until the source has it. Dates are fixed, so that a commit has the same hash each time. */
export async function commit(scene: Scene, step: StepOf<'commit'>): Promise<void> {
  const { fixture, client } = scene;
  const { source = DEFAULT_NAME } = step;
  const repository = await repositoryOf(scene, source);
  const files = Object.entries(step.commit).map(([path, content]) => [path, toChange(content)]);
  const date = new Date(FIRST_COMMIT + scene.commitCount++ * 1_000);
  const sha = await repository.commit(Object.fromEntries(files), { date });
  scene.commits.set(source, sha);
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
    { ...PATIENCE, message: `the artifact of ${sha}` },
  );
}

async function repositoryOf(
  { fixture, git, repositories }: Scene,
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
