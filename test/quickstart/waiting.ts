import { setTimeout as delay } from 'node:timers/promises';
import {
  findCondition,
  GitRepository,
  HelmRelease,
  ImagePolicy,
  ImageUpdateAutomation,
  Kustomization,
} from '@weir/api';
import type { KubeClient, KubeObject, ResourceType } from '@weir/kube';

const POLL_MS = 100;

/** An object of the example that has to become Ready, and the message that it has then. */
export interface Awaited {
  type: ResourceType;
  name: string;
}

export const EXAMPLE_OBJECTS: readonly Awaited[] = [
  { type: GitRepository, name: 'example' },
  { type: Kustomization, name: 'staging' },
  { type: Kustomization, name: 'production' },
  { type: HelmRelease, name: 'banner' },
  { type: ImagePolicy, name: 'greeter' },
  { type: ImageUpdateAutomation, name: 'example' },
];

/**
 * Waits until the object is Ready and returns the message of the condition. Rejects after `timeoutMs` with the message
 * that the object has then.
 */
export async function untilReady(
  client: KubeClient,
  namespace: string,
  { type, name }: Awaited,
  timeoutMs: number,
): Promise<string> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const object = await client.get(type, { namespace, name });
    const ready = readyOf(object);
    if (ready?.status === 'True') return ready.message;
    if (performance.now() > deadline) {
      const said = ready ? `${ready.reason}: ${ready.message}` : 'no condition yet';
      throw new Error(`${type.kind}/${name} is not ready after ${timeoutMs / 1000} s: ${said}`);
    }
    await delay(POLL_MS);
  }
}

function readyOf(object: KubeObject) {
  const { conditions } = (object.status ?? {}) as {
    conditions?: Parameters<typeof findCondition>[0];
  };
  return findCondition(conditions, 'Ready');
}
