// What templates look up (Helm's function `lookup`), answered with the rights of the HelmRelease's account.
import { isNoMatch, isNotFound, type KubeClient, parseApiVersion } from '@weir/kube';
import type { HelmAnswers } from '@weir/render';

export function lookups(client: KubeClient): HelmAnswers {
  return {
    async lookup({ apiVersion, kind, namespace, name }, signal) {
      const type = await client.discovery
        .resourceForKind(apiVersion, kind)
        .catch(async (error: unknown) => {
          if (!isNoMatch(error)) throw error;
          await requireVersion(client, apiVersion, kind);
          return undefined;
        });
      if (type === undefined) return null;
      const place = namespace === '' ? {} : { namespace };
      if (name === '') {
        const { items, resourceVersion } = await client.list(type, { ...place, signal });
        return { apiVersion, kind: `${kind}List`, metadata: { resourceVersion }, items };
      }
      // A namespaced kind needs a namespace; Helm asks for one of the empty name, which isn't there.
      if (type.namespaced && namespace === '') return null;
      return client.get(type, { ...place, name }, { signal }).catch((error: unknown) => {
        if (isNotFound(error)) return null;
        throw error;
      });
    },
  };
}

/** Helm finds nothing of a kind that a version doesn't have, and fails for a version that the server doesn't have. */
async function requireVersion(client: KubeClient, apiVersion: string, kind: string): Promise<void> {
  const wanted = parseApiVersion(apiVersion);
  const served = await client.discovery.resources();
  if (served.some(({ group, version }) => group === wanted.group && version === wanted.version)) {
    return;
  }
  throw new Error(
    `unable to get apiresource from unstructured: ${apiVersion}, Kind=${kind} , ` +
      'error the server could not find the requested resource',
  );
}
