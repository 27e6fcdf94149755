import type { KubeClient } from './client.ts';

/** Asked for; the API server may give less. Short enough that a leaked token soon is worth nothing. */
const LIFETIME_SECONDS = 3_600;

interface TokenRequest {
  status?: { token: string; expirationTimestamp: string };
}

/**
 * A client that is a service account, by tokens that `admin` requests for it (TokenRequest API) and that are
 * renewed when 80 % of their life is over. `admin` has to stay open. It connects on first use; a missing
 * account shows there as ApiError NotFound.
 */
export function connectAsServiceAccount(
  admin: KubeClient,
  { namespace, name }: { namespace: string; name: string },
): KubeClient {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/serviceaccounts/${encodeURIComponent(name)}/token`;
  return admin.withToken(async (signal) => {
    const { status } = await admin.request<TokenRequest>({
      method: 'POST',
      path,
      body: {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { expirationSeconds: LIFETIME_SECONDS },
      },
      signal,
    });
    if (status === undefined) throw new TypeError(`no token in the answer to POST ${path}`);
    return { token: status.token, expiresAt: Date.parse(status.expirationTimestamp) };
  });
}
