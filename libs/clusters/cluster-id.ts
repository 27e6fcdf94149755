// Identifies the cluster of an API server.
import { hash } from 'node:crypto';
import { isForbidden, isNotFound, type KubeClient, Namespace } from '@weir/kube';

/** How long the id is used, in ms: a cluster that was built anew behind the same address is noticed after a minute. */
const FRESH_MS = 60_000;
/** A server that doesn't answer in this time counts as gone. Milliseconds. */
const TIMEOUT_MS = 10_000;

/**
 * Resolves with the UID of the namespace kube-system, which differs in every cluster, or with a digest of the server's
 * address if the credentials may not read it. Concurrent callers share one request. Rejects like other requests.
 */
export function createClusterId(client: KubeClient): () => Promise<string> {
  let known: { id: string; askedAt: number } | undefined;
  let asking: Promise<string> | undefined;

  async function ask(): Promise<string> {
    const askedAt = performance.now();
    const id = await readUid(client);
    known = { id, askedAt };
    return id;
  }

  return async function clusterId() {
    if (known !== undefined && performance.now() - known.askedAt < FRESH_MS) return known.id;
    asking ??= ask().finally(() => {
      asking = undefined;
    });
    return asking;
  };
}

async function readUid(client: KubeClient): Promise<string> {
  try {
    const ref = { name: 'kube-system' };
    const options = { metadataOnly: true, timeoutMs: TIMEOUT_MS };
    const { metadata } = await client.get(Namespace, ref, options);
    if (typeof metadata.uid === 'string' && /^[\w.-]{1,64}$/.test(metadata.uid))
      return metadata.uid;
  } catch (error) {
    if (!isForbidden(error) && !isNotFound(error)) throw error;
  }
  return `address-${hash('sha256', client.server, 'hex').slice(0, 32)}`;
}
