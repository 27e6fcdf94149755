import type { ApiRequest } from './api.ts';
import { writeKubeconfig } from './kubeconfig.ts';

/** `<namespace>/<name>` */
export type ServiceAccountName = `${string}/${string}`;

const LIFETIME_SECONDS = 24 * 60 * 60;

/** Writes a kubeconfig with a token of the service account (TokenRequest API, 24 h) to `path`. */
export async function kubeconfigForServiceAccount(
  serviceAccount: ServiceAccountName,
  access: { request: ApiRequest; server: string; ca: string },
  path: string,
): Promise<string> {
  const [namespace, name] = serviceAccount.split('/');
  const answer = await access.request<{ status: { token: string } }>(
    'POST',
    `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`,
    {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: LIFETIME_SECONDS },
    },
  );
  return writeKubeconfig(path, {
    server: access.server,
    ca: access.ca,
    user: `system:serviceaccount:${namespace}:${name}`,
    credentials: { token: answer.status.token },
  });
}
