import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { startGitServer, startRegistry } from '@weir/cluster';
import { startClouds, startVendorHosts } from '@weir/identity/testing';
import { pageExamples, startServiceHarness } from '@weir/kit';
import { type KubeObject, Namespace, Secret } from '@weir/kube';
import { pushArtifact, tarGz } from '@weir/oci/testing';
import { service } from './main.ts';

const stack = new AsyncDisposableStack();
after(() => stack.disposeAsync());

/** Accounts of the page, and who they are in the clouds. */
const ACCOUNTS = {
  cloud: { role: 'arn:aws:iam::123456789012:role/app' },
  azure: {
    application: '11111111-1111-1111-1111-111111111111/22222222-2222-2222-2222-222222222222',
  },
  gcp: { email: 'app@acme.iam.gserviceaccount.com' },
};
const WRITING = { fieldManager: 'reader', fieldValidation: 'Strict', force: true } as const;

test('the examples of docs/clouds.md work', async () => {
  const registry = stack.adopt(await startRegistry(), (it) => it.close());
  const git = stack.adopt(await startGitServer(), (it) => it.close());
  const clouds = stack.adopt(await startClouds(), (it) => it.close());
  const layers = [{ content: tarGz([{ path: 'a.yaml', content: 'a: 1\n' }]) }];
  await pushArtifact(registry, 'org/app', { tag: 'v1', layers });
  const repository = await git.createRepository('app');
  await repository.commit({ 'a.yaml': 'a: 1\n' });
  const knows = ({ password }: { password: string }) => clouds.whose(password) !== undefined;
  const ofRegistry = { target: (path: string) => `${registry.url}${path}`, lets: knows };
  const toGit = (path: string) =>
    `${new URL(git.url).origin}${path.replace(/^.*\/app(?=\/)/, '/app.git')}`;
  const codeCommit = 'git-codecommit.eu-west-1.amazonaws.com';
  const hosts = await startVendorHosts({
    '123456789012.dkr.ecr.eu-west-1.amazonaws.com': ofRegistry,
    'europe-west1-docker.pkg.dev': ofRegistry,
    'acme.azurecr.io': {
      target: (path) =>
        path.startsWith('/oauth2/') ? `${clouds.registryOfAzure}${path}` : `${registry.url}${path}`,
      lets: (login, path) => path.startsWith('/oauth2/') || knows(login),
    },
    [codeCommit]: {
      target: toGit,
      lets: (login) => clouds.signerOf(login, `https://${codeCommit}/v1/repos/app`) !== undefined,
    },
    'dev.azure.com': { target: toGit, lets: knows },
  });
  stack.defer(() => hosts.close());
  const trusted = getCACertificates('default');
  setDefaultCACertificates([...trusted, hosts.ca]);
  stack.defer(() => setDefaultCACertificates(trusted));

  const endpoints = Object.entries(clouds.endpoints).map(([name, url]) => `${name}=${url}`);
  const harness = await startServiceHarness({
    service,
    flags: {
      ...{ 'artifact-port': '0', 'allow-local-addresses': 'true', 'lease-duration': '2s' },
      'feature-gates': 'ObjectLevelWorkloadIdentity=true',
      'cloud-endpoints': endpoints.join(','),
    },
  });
  stack.defer(() => harness.close());
  const { client } = harness;
  const metadata = { name: 'apps' };
  await client.apply(Namespace, { apiVersion: 'v1', kind: 'Namespace', metadata }, WRITING);
  for (const [name, who] of Object.entries(ACCOUNTS)) {
    clouds.trust(`system:serviceaccount:apps:${name}`, who);
  }
  // The way to the vendors' hosts, which the page has no need of.
  const way = { vendors: { 'ca.crt': hosts.ca }, proxy: { address: hosts.proxy } };
  for (const [name, stringData] of Object.entries(way)) {
    const secret = { metadata: { namespace: 'apps', name }, stringData };
    await client.apply(Secret, { apiVersion: 'v1', kind: 'Secret', ...secret }, WRITING);
  }

  const page = await readFile(new URL('../../docs/clouds.md', import.meta.url), 'utf8');
  const objects = pageExamples<KubeObject & { spec: Record<string, unknown> }>(page)
    .flat()
    .filter(({ kind }) => kind !== undefined);
  assert.ok(objects.length >= 9, `${objects.length} objects`);
  for (const object of objects) {
    const { kind, apiVersion } = object;
    if (kind === 'OCIRepository') object.spec.certSecretRef = { name: 'vendors' };
    if (kind === 'GitRepository') object.spec.secretRef = { name: 'vendors' };
    if (/^(OCI|Git)Repository$/.test(kind)) object.spec.proxySecretRef = { name: 'proxy' };
    const type = await client.discovery.resourceForKind(apiVersion, kind);
    await client.apply(type, object, WRITING);
  }
  for (const { kind, apiVersion, metadata } of objects) {
    if (!/^(OCI|Git)Repository$/.test(kind)) continue;
    const type = await client.discovery.resourceForKind(apiVersion, kind);
    const ref = { namespace: 'apps', name: metadata.name };
    await harness.ready(type, ref, { status: 'True', current: true });
  }
});
