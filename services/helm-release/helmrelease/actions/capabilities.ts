// What templates can read about the API server (`.Capabilities`).
import { groupVersion, type KubeClient } from '@weir/kube';
import type { HelmRenderRequest } from '@weir/render';

export type Capabilities = HelmRenderRequest['capabilities'];

/** How old the API server's version may be: it changes when the server is replaced. */
const FRESH_MS = 60_000;

/** Asks for the version once a minute at most; kinds come from the shared discovery. */
export function createCapabilities(
  client: KubeClient,
): (signal: AbortSignal) => Promise<Capabilities> {
  let known: { kubeVersion: Capabilities['kubeVersion']; askedAt: number } | undefined;

  return async function capabilities(signal) {
    const now = performance.now();
    if (known === undefined || now - known.askedAt > FRESH_MS) {
      const { gitVersion, major, minor } = await client.request<{
        gitVersion: string;
        major: string;
        minor: string;
      }>({ method: 'GET', path: '/version', signal });
      known = { kubeVersion: { version: gitVersion, major, minor }, askedAt: now };
    }
    const served = await client.discovery.resources();
    const apiVersions = new Set(
      served.flatMap((type) => [groupVersion(type), `${groupVersion(type)}/${type.kind}`]),
    );
    return { kubeVersion: known.kubeVersion, apiVersions: [...apiVersions] };
  };
}
