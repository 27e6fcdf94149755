import type { KubeClient } from './client.ts';

/** The lifetime that is asked for; the API server may grant less. It is short so that a leaked token soon expires. */
const LIFETIME_SECONDS = 3_600;

interface TokenRequest {
  status?: { token: string; expirationTimestamp: string };
}

/**
 * A client that acts as a service account. `admin` requests tokens for it (TokenRequest API), and again when 80 % of a
 * token's lifetime has passed; `admin` has to stay open. The client connects with the first request, which rejects with
 * ApiError NotFound when the account doesn't exist.
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
