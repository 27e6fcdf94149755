// The sources of a fixture: the HelmRepository `repo` and the GitRepository `src`.
import { findCondition, GitRepository, HelmRepository, READY, RECONCILE_REQUEST } from '@weir/api';
import { until } from '@weir/cluster';
import type { KubeObject, ResourceType } from '@weir/kube';
import { committedFiles } from './charts.ts';
import type { Files } from './fixture.ts';
import { HAND, type HelmRun, WAIT } from './run-state.ts';

/** Serves the fixture's charts and applies its HelmRepository, and waits until it has the new index. */
export async function publish(run: HelmRun, ids: readonly string[]): Promise<void> {
  const { fixture, published } = run;
  const { namespace, repositoryIn } = fixture;
  await published.publish(ids);
  const name = {
    name: 'repo',
    namespace: repositoryIn ? `${namespace}-${repositoryIn}` : namespace,
  };
  await reconciled(run, HelmRepository, name, { interval: '60m', url: published.url });
}

const FIRST_COMMIT = Date.UTC(2026, 0, 1);

/** Commits files, and waits until the GitRepository has the commit. */
export async function commit(run: HelmRun, files: Files): Promise<void> {
  const { fixture, git } = run;
  const { namespace, name } = fixture;
  run.repository ??= await git.createRepository(namespace);
  const branch = `b-${name}`;
  const date = new Date(FIRST_COMMIT + run.commitCount++ * 1_000);
  await run.repository.commit(await committedFiles(files, namespace), { branch, date });
  const spec = { interval: '60m', url: run.repository.url, ref: { branch } };
  await reconciled(run, GitRepository, { name: 'src', namespace }, spec);
}

/** Applies a source with a new request, and waits until it is ready and has answered the request. */
async function reconciled(
  run: HelmRun,
  type: ResourceType & { apiVersion: string },
  name: { name: string; namespace: string },
  spec: Record<string, unknown>,
): Promise<void> {
  const { client } = run;
  const { apiVersion, kind } = type;
  const request = `request-${++run.requestCount}`;
  const metadata = { ...name, annotations: { [RECONCILE_REQUEST]: request } };
  const object = { apiVersion, kind, metadata, spec };
  await client.apply(type, object, { fieldManager: HAND, force: true });
  type Source = KubeObject & { status?: { lastHandledReconcileAt?: string; conditions?: [] } };
  const isReconciled = async () => {
    const { status } = await client.get<Source>(type, name);
    const ready = findCondition(status?.conditions, READY);
    return status?.lastHandledReconcileAt === request && ready?.status === 'True';
  };
  await until(isReconciled, { ...WAIT, message: `${kind} ${name.name} to be ready` });
}
