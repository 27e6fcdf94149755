// Finds the ImageRepository of an ImagePolicy, and checks that the policy may use it.
import { type ImagePolicy, type ImageRepository, Reason } from '@weir/api';
import type { Informer } from '@weir/controller';
import { type KubeClient, type KubeObject, Namespace } from '@weir/kube';
import { Failure, messageOf } from '@weir/reconcile';

export interface RepositoryLookup {
  client: Pick<KubeClient, 'get'>;
  repositories: Pick<Informer<ImageRepository>, 'get'>;
  noCrossNamespaceRefs: boolean;
}

/** The ImageRepository that a policy names, as `namespace/name`. */
export function repositoryKey({ metadata, spec }: ImagePolicy): string {
  const { namespace = metadata.namespace, name } = spec.imageRepositoryRef;
  return `${namespace || metadata.namespace}/${name}`;
}

/** @throws Failure DependencyNotReady, AccessDenied, Failure */
export async function findRepository(
  policy: ImagePolicy,
  { client, repositories, noCrossNamespaceRefs }: RepositoryLookup,
  signal: AbortSignal,
): Promise<ImageRepository> {
  const key = repositoryKey(policy);
  const { namespace = '' } = policy.metadata;
  const isForeign = key !== `${namespace}/${policy.spec.imageRepositoryRef.name}`;
  if (isForeign && noCrossNamespaceRefs) {
    throw denied(
      `cannot access 'ImageRepository/${key}', cross-namespace references have been blocked`,
    );
  }
  const repository = repositories.get(key);
  if (repository === undefined) {
    const { name } = policy.spec.imageRepositoryRef;
    const missing = `ImageRepository.image.toolkit.fluxcd.io "${name}" not found`;
    throw new Failure(
      Reason.DependencyNotReady,
      `${WHAT}: referenced ImageRepository does not exist: ${missing}`,
      { brief: true },
    );
  }
  if (isForeign) await checkAccess(repository, key, namespace, client, signal);
  return repository;
}

const WHAT = 'failed to get the referred ImageRepository';

/** `spec.accessFrom`: one of its selectors has to match the labels of the policy's namespace. */
async function checkAccess(
  { spec: { accessFrom } }: ImageRepository,
  key: string,
  namespace: string,
  client: Pick<KubeClient, 'get'>,
  signal: AbortSignal,
): Promise<void> {
  if (accessFrom === undefined) {
    throw denied(
      `access denied: '${key}' can't be accessed due to missing ACL labels on 'accessFrom'`,
    );
  }
  const labels = await labelsOf(namespace, client, signal);
  const isAllowed = accessFrom.namespaceSelectors.some(({ matchLabels = {} }) =>
    Object.entries(matchLabels).every(([name, value]) => labels[name] === value),
  );
  if (isAllowed) return;
  throw denied(
    `access denied: '${key}' can't be accessed due to ACL labels mismatch on namespace '${namespace}'`,
  );
}

async function labelsOf(
  name: string,
  client: Pick<KubeClient, 'get'>,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  try {
    const found = await client.get<KubeObject>(Namespace, { name }, { signal });
    return found.metadata.labels ?? {};
  } catch (cause) {
    if (signal.aborted) throw cause;
    throw new Failure(Reason.Failure, `${WHAT}: ${messageOf(cause)}`, { cause });
  }
}

function denied(message: string): Failure {
  return new Failure(Reason.AccessDenied, `${WHAT}: ${message}`);
}
