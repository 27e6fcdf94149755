// HelmRepositories and HelmCharts as their users see them, beyond the recorded cases.
import { deepEqual, equal, match } from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { HelmChart, type HelmChartSpec, HelmRepository, type HelmRepositorySpec } from '@weir/api';
import { type RegistryServer, startChartRepository, startRegistry, until } from '@weir/cluster';
import { type ServiceHarness, startServiceHarness } from '@weir/kit';
import { type KubeObject, Secret } from '@weir/kube';
import { pushArtifact, pushManifest, pushSignature, tarGz } from '@weir/oci/testing';
import { buildVerifier } from '@weir/render';
import { startTufRepository, type TufRepository } from '@weir/sigstore/testing';
import { service } from './main.ts';
import { CHART_LAYER } from './shared/highest-tag.ts';
import { bundleBlob, pushReferrers, pushUnsigned, readSamples } from './testing/signed-samples.ts';

const WRITING = { fieldManager: 'test', force: true };
const HELM_CONFIG = 'application/vnd.cncf.helm.config.v1+json';

const INDEX =
  'apiVersion: v1\nentries:\n  app:\n  - {name: app, version: 1.0.0, urls: [app-1.0.0.tgz]}\n';

/** A chart that has nothing but its name and version. */
function packageOf(version: string): Buffer {
  const content = `apiVersion: v2\nname: app\nversion: ${version}\n`;
  return tarGz([{ path: 'app/Chart.yaml', content }]);
}

describe('charts', () => {
  const stack = new AsyncDisposableStack();
  let harness: ServiceHarness;
  let registry: RegistryServer;
  let sigstore: TufRepository;
  before(async () => {
    await buildVerifier();
    registry = stack.adopt(await startRegistry(), (it) => it.close());
    sigstore = stack.adopt(await startTufRepository(), (it) => it.close());
    const flags = {
      ...{ 'artifact-port': '0', 'allow-local-addresses': 'true', 'lease-duration': '2s' },
      ...{ 'sigstore-tuf-url': sigstore.url, 'sigstore-tuf-root': sigstore.rootFile },
    };
    harness = await startServiceHarness({ service, flags });
  });
  after(async () => {
    await harness?.close();
    await stack.disposeAsync();
  });

  async function secret(namespace: string, name: string, stringData: object): Promise<void> {
    const metadata = { namespace, name };
    const object = { apiVersion: 'v1', kind: 'Secret', metadata, stringData };
    await harness.client.apply(Secret, object, WRITING);
  }

  async function repository(namespace: string, spec: Partial<HelmRepositorySpec>): Promise<void> {
    const { apiVersion, kind } = HelmRepository;
    const metadata = { namespace, name: 'charts' };
    const object = { apiVersion, kind, metadata, spec: { interval: '1h', ...spec } };
    await harness.client.apply(HelmRepository, object as KubeObject, WRITING);
  }

  const inRegistry = (namespace: string, path: string) =>
    repository(namespace, { type: 'oci', url: `oci://${registry.host}/${path}`, insecure: true });

  async function chart(namespace: string, spec: Partial<HelmChartSpec> = {}): Promise<void> {
    const { apiVersion, kind } = HelmChart;
    const sourceRef = { kind: 'HelmRepository', name: 'charts' };
    const all = { chart: 'app', version: '1.0.0', interval: '1h', sourceRef, ...spec };
    const object = { apiVersion, kind, metadata: { namespace, name: 'app' }, spec: all };
    await harness.client.apply(HelmChart, object as KubeObject, WRITING);
  }

  function ready(namespace: string, status: 'True' | 'False', message = /.*/): Promise<HelmChart> {
    const wanted = { status, message, current: true };
    return harness.ready<HelmChart>(HelmChart, { namespace, name: 'app' }, wanted);
  }

  function pushChart(path: string, tag: string) {
    const layers = [{ mediaType: CHART_LAYER, content: packageOf(tag.replaceAll('_', '+')) }];
    return pushArtifact(registry, path, { tag, layers, configMediaType: HELM_CONFIG });
  }

  test('what is not signed, and what others signed, is told apart', async () => {
    const namespace = await harness.namespace();
    const [own, other] = [1, 2].map(() => generateKeyPairSync('ec', { namedCurve: 'P-256' }));
    const pem = own?.publicKey.export({ type: 'spki', format: 'pem' }).toString() ?? '';
    await secret(namespace, 'keys', { 'cosign.pub': pem });
    const path = `${namespace}/app`;
    const subject = await pushChart(path, '1.0.0');
    await inRegistry(namespace, namespace);
    const verify = { provider: 'cosign' as const, secretRef: { name: 'keys' } };
    await chart(namespace, { verify });
    const what = `chart verification error: failed to verify oci://${registry.host}/${path}:1.0.0: `;
    const unsigned = await ready(namespace, 'False', new RegExp(`^${what}no signatures found$`));
    equal(unsigned.status?.artifact, undefined, 'nothing that is not signed is stored');
    if (other) await pushSignature(registry, path, subject, other.privateKey);
    await chart(namespace, { verify, interval: '2h' });
    await ready(
      namespace,
      'False',
      new RegExp(`^${what}no matching signatures: invalid signature`),
    );
    if (own) await pushSignature(registry, path, subject, own.privateKey);
    await chart(namespace, { verify, interval: '3h' });
    const { status } = await ready(namespace, 'True');
    equal(status?.artifact?.revision, '1.0.0');
  });

  test('without a key what Sigstore publishes is trusted', async () => {
    const samples = await readSamples();
    const namespace = await harness.namespace();
    const path = `${namespace}/app`;
    await pushUnsigned(registry, path, samples);
    await pushManifest(registry, path, Buffer.from(samples.manifest), '1.0.0');
    await inRegistry(namespace, namespace);
    const { issuer, subject, trustedRoot } = samples.keyless;
    const signedBy = (name: string) => ({
      provider: 'cosign' as const,
      matchOIDCIdentity: [{ issuer: `^${issuer}$`, subject: `^${name}$` }],
    });
    await chart(namespace, { verify: signedBy(subject) });
    await ready(
      namespace,
      'False',
      /provider 'cosign keyless': unable to initialize trusted root: /,
    );
    sigstore.publish('trusted_root.json', trustedRoot);
    await ready(namespace, 'False', /: no signatures found$/);
    await pushReferrers(registry, path, samples, [bundleBlob(samples)]);
    await chart(namespace, { verify: signedBy('stranger') });
    await ready(namespace, 'False', /: no matching signatures: .*no matching CertificateIdentity/);
    await chart(namespace, { verify: signedBy(subject) });
    // The signed content of the sample is no chart.
    const { status } = await ready(namespace, 'False', /does not contain a layer with mediatype/);
    const verified = status?.conditions?.find(({ type }) => type === 'SourceVerified');
    deepEqual(
      [verified?.status, verified?.message],
      ['True', 'verified signature of version 1.0.0'],
    );
  });

  test('a chart of an HTTP repository has no signature, so one that has to be signed is refused', async (t) => {
    const server = await startChartRepository();
    t.after(() => server.close());
    server.put('/index.yaml', INDEX);
    server.put('/app-1.0.0.tgz', packageOf('1.0.0'));
    const namespace = await harness.namespace();
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = publicKey.export({ type: 'spki', format: 'pem' });
    await secret(namespace, 'keys', { 'cosign.pub': pem });
    await repository(namespace, { url: server.url });
    await chart(namespace, { verify: { provider: 'cosign', secretRef: { name: 'keys' } } });
    const { status } = await ready(
      namespace,
      'False',
      /^chart verification error: not implemented$/,
    );
    equal(status?.artifact, undefined, 'nothing that is not signed is stored');
  });

  test('tags that are no strict versions are none of a chart, as in Flux', async () => {
    const namespace = await harness.namespace();
    const path = `${namespace}/app`;
    for (const tag of ['1.0.0', '1.1.0_build.1', 'v2.0.0', '3.0', 'latest']) {
      await pushChart(path, tag);
    }
    await inRegistry(namespace, namespace);
    await chart(namespace, { version: '*' });
    const { status } = await ready(namespace, 'True');
    equal(status?.artifact?.revision, '1.1.0+build.1');
    for (const version of ['latest', '3.0', '>=2.0.0']) {
      await chart(namespace, { version });
      const what = 'chart pull error: failed to get chart version for remote reference: ';
      const failed = await ready(namespace, 'False', new RegExp(`^${what}`));
      deepEqual(failed.status?.artifact, status?.artifact, 'what is in use stays');
    }
  });

  test('a repository that wants to see a certificate is shown the one of its Secret', async (t) => {
    const server = await startChartRepository({ tls: true, mutual: true });
    t.after(() => server.close());
    server.put('/index.yaml', INDEX);
    server.put('/app-1.0.0.tgz', packageOf('1.0.0'));
    const namespace = await harness.namespace();
    const { ca = '', client } = server;
    await secret(namespace, 'none', { 'ca.crt': ca });
    await repository(namespace, { url: server.url, certSecretRef: { name: 'none' } });
    await chart(namespace);
    const charts = { namespace, name: 'charts' };
    const refused = await harness.ready<HelmRepository>(HelmRepository, charts, {
      ...{ status: 'False', current: true },
    });
    const failed = refused.status?.conditions?.find(({ type }) => type === 'FetchFailed');
    match(failed?.message ?? '', /^failed to fetch Helm repository index: /);
    await secret(namespace, 'shown', {
      ...{ 'ca.crt': ca, 'tls.crt': client?.certificate, 'tls.key': client?.key },
    });
    await repository(namespace, { url: server.url, certSecretRef: { name: 'shown' } });
    const { status } = await ready(namespace, 'True');
    equal(status?.artifact?.revision, '1.0.0');
  });

  test('suspended, nothing is asked; resumed, it goes on', async (t) => {
    const server = await startChartRepository();
    t.after(() => server.close());
    server.put('/index.yaml', INDEX);
    server.put('/app-1.0.0.tgz', packageOf('1.0.0'));
    const namespace = await harness.namespace();
    await repository(namespace, { url: server.url, suspend: true });
    await chart(namespace, { suspend: true });
    const kinds = [
      [HelmRepository, 'charts'],
      [HelmChart, 'app'],
    ] as const;
    for (const [kind, name] of kinds) {
      // As in Flux, a suspended object gets its finalizer, which shows that it was processed.
      await until(
        async () => {
          const { metadata } = await harness.client.get(kind, { namespace, name });
          return metadata.finalizers?.length === 1;
        },
        { timeoutMs: 60_000, message: `the finalizer of ${name}` },
      );
    }
    deepEqual(server.requests(), []);
    await repository(namespace, { url: server.url, suspend: false });
    await chart(namespace, { suspend: false });
    const { status } = await ready(namespace, 'True');
    equal(status?.artifact?.revision, '1.0.0');
  });
});
