import { writeFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import type { KeyPair } from './certificates.ts';

export type Credentials = { certificate: KeyPair } | { token: string };

/** Writes a kubeconfig file with one context, readable by its owner only, and returns its path. */
export async function writeKubeconfig(
  path: string,
  {
    server,
    ca,
    user,
    credentials,
  }: {
    server: string;
    /** PEM */
    ca: string;
    user: string;
    credentials: Credentials;
  },
): Promise<string> {
  const base64 = (pem: string): string => Buffer.from(pem).toString('base64');
  const login =
    'token' in credentials
      ? { token: credentials.token }
      : {
          'client-certificate-data': base64(credentials.certificate.certificate),
          'client-key-data': base64(credentials.certificate.key),
        };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'weir', cluster: { server, 'certificate-authority-data': base64(ca) } }],
    users: [{ name: user, user: login }],
    contexts: [{ name: 'weir', context: { cluster: 'weir', user, namespace: 'default' } }],
    'current-context': 'weir',
  };
  await writeFile(path, stringify(config), { mode: 0o600 });
  return path;
}
