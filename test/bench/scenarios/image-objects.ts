// The objects of the scenarios about images, and how a scenario waits for them.
import {
  type Condition,
  GitRepository,
  ImagePolicy,
  ImageRepository,
  ImageUpdateAutomation,
} from '@weir/api';
import type { KubeObject } from '@weir/kube';
import type { Environment } from '../environment.ts';
import type { Following } from '../measure/follow.ts';

/** An interval that doesn't come while something else is measured. */
export const LATER = '12h';
export const TIMEOUT_MS = 2 * 60_000;

export function imageRepository(
  namespace: string,
  name: string,
  image: string,
  interval = LATER,
): KubeObject {
  const { apiVersion, kind } = ImageRepository;
  return { apiVersion, kind, metadata: { namespace, name }, spec: { image, interval } };
}

/** A policy that chooses the highest version of the ImageRepository with the same name. */
export function imagePolicy(namespace: string, name: string): KubeObject {
  const { apiVersion, kind } = ImagePolicy;
  const spec = { imageRepositoryRef: { name }, policy: { semver: { range: '>=1.0.0' } } };
  return { apiVersion, kind, metadata: { namespace, name }, spec };
}

/** An automation that pushes to the branch main of the GitRepository with the same name. */
export function imageUpdateAutomation(namespace: string, name: string): KubeObject {
  const { apiVersion, kind } = ImageUpdateAutomation;
  const author = { name: 'Bench', email: 'bench@example.com' };
  const spec = {
    interval: LATER,
    sourceRef: { kind: GitRepository.kind, name },
    git: { checkout: { ref: { branch: 'main' } }, commit: { author }, push: { branch: 'main' } },
    update: { path: './', strategy: 'Setters' },
  };
  return { apiVersion, kind, metadata: { namespace, name }, spec };
}

/** The comment that lets the policy of this name set the image on its line. */
export function markerOf(namespace: string, policy: string): string {
  return `# {"$imagepolicy": "${namespace}:${policy}"}`;
}

/** Asks for a scan, as `flux reconcile image repository` does. */
export async function requestScan({ client, namespace }: Environment, name: string): Promise<void> {
  const annotations = { 'reconcile.fluxcd.io/requestedAt': new Date().toISOString() };
  const body = { metadata: { annotations } };
  await client.patch(ImageRepository, { namespace, name }, body, { kind: 'merge' });
}

/** A check for `Following.when`: all objects of these names are Ready. */
export function allReady(names: readonly string[]): Parameters<Following<KubeObject>['when']>[0] {
  return (objects) =>
    names.every((name) => {
      const { conditions = [] } = (objects.get(name)?.status ?? {}) as { conditions?: Condition[] };
      return conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
    });
}
