import { mkdir, writeFile } from 'node:fs/promises';
import { createAuthority, createSigningKey, type KeyPair } from './certificates.ts';
import { AUDIT_POLICY, CLIENTS, type Layout, natsConfig, type Ports } from './components.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import { kwokConfig } from './kwok.ts';

export interface Identity {
  /** The certificate authority of the API server, PEM. */
  ca: string;
  admin: KeyPair;
}

/** Makes certificates, keys and kubeconfigs, and writes the files that the components of Kubernetes read. */
export async function prepareKubernetes(files: Layout, server: string): Promise<Identity> {
  await mkdir(files.pki, { recursive: true });
  const authority = await createAuthority('weir-test-ca');
  const [serving, signing] = await Promise.all([
    authority.serving(['127.0.0.1', 'localhost', 'kubernetes.default.svc', '10.0.0.1']),
    createSigningKey(),
    writeFile(files.ca, authority.certificate),
    writeFile(files.auditPolicy, AUDIT_POLICY),
    writeFile(files.kwokConfig, kwokConfig()),
  ]);
  await Promise.all([
    writeFile(files.servingCertificate, serving.certificate),
    writeFile(files.servingKey, serving.key, { mode: 0o600 }),
    writeFile(files.tokenKey, signing.privateKey, { mode: 0o600 }),
    writeFile(files.tokenPublicKey, signing.publicKey),
  ]);
  const write = async ({ file, user, groups }: (typeof CLIENTS)[number]): Promise<KeyPair> => {
    const certificate = await authority.client(user, groups);
    const path = files.kubeconfig(file);
    const ca = authority.certificate;
    await writeKubeconfig(path, { server, ca, user, credentials: { certificate } });
    return certificate;
  };
  const [admin] = await Promise.all([
    write({ file: 'admin', user: 'admin', groups: ['system:masters'] }),
    ...CLIENTS.map(write),
  ]);
  return { ca: authority.certificate, admin };
}

/** Writes the configuration file of nats-server. `extra` is appended to it. */
export async function prepareNats(files: Layout, ports: Ports, extra?: string): Promise<void> {
  await writeFile(files.natsConfig, natsConfig(files, ports.nats, extra));
}
