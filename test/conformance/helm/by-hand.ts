// Steps in which somebody changes objects by hand.
import { until } from '@weir/cluster';
import { isNoMatch, type KubeObject, Namespace, Secret } from '@weir/kube';
import { decodeRelease, encodeRelease, type StoredRelease } from './describe-storage.ts';
import { pathOf, readAt } from './objects.ts';
import { merged } from './releases.ts';
import { HAND, type HelmRun, WAIT } from './run-state.ts';

/** Applies an object as a field manager. Its kind may just have been defined. */
export async function applyObject(run: HelmRun, object: KubeObject, as: string): Promise<void> {
  const { client, fixture } = run;
  const type = await until(
    async () => {
      try {
        return await client.discovery.resourceForKind(object.apiVersion, object.kind);
      } catch (error) {
        if (isNoMatch(error)) client.discovery.invalidate();
        throw error;
      }
    },
    { ...WAIT, message: `${object.kind} to be served` },
  );
  const metadata = type.namespaced
    ? { namespace: fixture.namespace, ...object.metadata }
    : object.metadata;
  await client.apply(type, { ...object, metadata }, { fieldManager: as, force: true });
}

export async function patchObject(run: HelmRun, path: string, body: unknown): Promise<void> {
  await run.client.request({
    method: 'PATCH',
    path: objectPath(run, path),
    query: { fieldManager: HAND },
    contentType: 'application/merge-patch+json',
    body,
  });
}

export async function removeObject(run: HelmRun, path: string): Promise<void> {
  await run.client.request({ method: 'DELETE', path: objectPath(run, path) });
}

function objectPath({ fixture }: HelmRun, path: string): string {
  const end = path.lastIndexOf('/');
  return `${pathOf(path.slice(0, end), fixture.namespace)}${path.slice(end)}`;
}

/** Changes a stored release, or a copy of it that is stored as another version. */
export async function editRelease(
  { client, fixture }: HelmRun,
  step: { editRelease: string; version: number; with: Record<string, unknown>; as?: number },
): Promise<void> {
  const { editRelease: name, version, as = version } = step;
  const nameOf = (of: number) => `sh.helm.release.v1.${name}.v${of}`;
  const { namespace } = fixture;
  const secret = await client.get(Secret, { namespace, name: nameOf(version) });
  const release = merged(await decodeRelease(secret), step.with) as StoredRelease;
  const labels = {
    ...secret.metadata.labels,
    version: String(as),
    status: release.info.status,
  };
  const edited = {
    apiVersion: 'v1',
    kind: 'Secret',
    type: secret.type,
    metadata: { name: nameOf(as), namespace, labels },
    data: { release: await encodeRelease(release) },
  };
  if (as === version) await client.replace(Secret, edited, { fieldManager: HAND });
  else await client.create(Secret, edited, { fieldManager: HAND });
}

export async function deleteNamespace(
  { client, fixture }: HelmRun,
  timeoutMs = WAIT.timeoutMs,
): Promise<void> {
  const { namespace: name } = fixture;
  await client.delete(Namespace, { name });
  const path = `/api/v1/namespaces/${name}`;
  const isGone = async () => (await readAt(client, path)) === undefined;
  await until(isGone, { ...WAIT, timeoutMs, message: `namespace ${name} to be gone` });
}
