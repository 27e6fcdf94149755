// The moment from which the objects of a new kind can be applied.
import { setTimeout as sleep } from 'node:timers/promises';
import { isNoMatch, type KubeClient, type KubeObject } from '@weir/kube';
import { isObject } from './equal.ts';
import { targetOf } from './objects.ts';
import { isCustomResourceDefinition } from './stages.ts';

const POLL_MS = 100;

/**
 * Waits until discovery lists every served version of the CustomResourceDefinitions among the objects.
 * Discovery lists an established CRD a moment after it is served, and no event marks that moment.
 * Throws the NoMatchError when the time is over.
 */
export async function untilServed(
  client: KubeClient,
  objects: readonly KubeObject[],
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
): Promise<void> {
  const kinds = objects.flatMap(servedKinds);
  if (kinds.length === 0) return;
  const deadline = performance.now() + timeoutMs;
  client.discovery.invalidate();
  for (const kind of kinds) {
    while (!(await isServed(client, kind, performance.now() > deadline))) {
      await sleep(POLL_MS, undefined, { signal });
      client.discovery.invalidate();
    }
  }
}

export interface ServedKind {
  group: string;
  version: string;
  kind: string;
}

/** The kinds that a CustomResourceDefinition serves, one for each version; none for any other object. */
export function servedKinds(crd: KubeObject): ServedKind[] {
  if (!isCustomResourceDefinition(targetOf(crd))) return [];
  const spec = isObject(crd.spec) ? crd.spec : {};
  const names = isObject(spec.names) ? spec.names : {};
  const versions = Array.isArray(spec.versions) ? spec.versions.filter(isObject) : [];
  return versions
    .filter(({ served }) => served === true)
    .map(({ name }) => ({
      group: String(spec.group),
      version: String(name),
      kind: String(names.kind),
    }));
}

async function isServed(client: KubeClient, kind: ServedKind, last: boolean): Promise<boolean> {
  try {
    await client.discovery.resourceFor(kind);
    return true;
  } catch (error) {
    if (isNoMatch(error) && !last) return false;
    throw error;
  }
}
