// For docker-compose.yml: makes the kubeconfig of the services, installs the CRDs and the example's objects, and ends.
import { readFile, writeFile } from 'node:fs/promises';
import { installCrds } from '@weir/host';
import { connectKube, Namespace } from '@weir/kube';
import { parseDocument } from 'yaml';
import { applyManifests, readManifests } from './manifests.ts';

const NAMESPACE = 'flux-system';

/** k3s writes localhost as its address into its kubeconfig. Other containers need the address `server` in its place. */
async function writeKubeconfig(from: string, to: string, server: string): Promise<void> {
  const config = parseDocument(await readFile(from, 'utf8'));
  config.setIn(['clusters', 0, 'cluster', 'server'], server);
  await writeFile(to, config.toString(), { mode: 0o644 });
}

function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: see docker-compose.yml`);
  return value;
}

const kubeconfig = setting('KUBECONFIG_OUT');
await writeKubeconfig(setting('KUBECONFIG'), kubeconfig, setting('KUBE_SERVER'));
const client = connectKube({ kubeconfig });
await installCrds(client, new AbortController().signal);
const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } };
await client.apply(Namespace, namespace, { fieldManager: 'kubectl' });
const values = {
  GIT_URL: setting('GIT_URL'),
  RECEIVER_URL: setting('RECEIVER_URL'),
  REGISTRY: setting('REGISTRY'),
};
await applyManifests(client, await readManifests(values));
await client.close();
process.stdout.write('the CRDs and the objects of the example are installed\n');
