import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { Bucket, findCondition, HelmChart, HelmRepository, OCIRepository } from '@weir/api';
import {
  type ChartRepository,
  createAuthority,
  S3_KEYS,
  type S3Server,
  type S3ServerBucket,
  startChartRepository,
  startRegistry,
  startS3Server,
} from '@weir/cluster';
import { appFiles, startWeir, type Weir } from '@weir/kit';
import { ConfigMap, type KubeObject, Secret } from '@weir/kube';
import { pushArtifact, tarGz } from '@weir/oci/testing';
import { type Flux, fluxFor, succeeded } from './flux.ts';
import { stoppedAfter } from './suite.ts';

const NAMESPACE = 'flux-system';
const LOGIN = { username: 'reader', password: 's3cret-pw' };

/** Chart repositories, their charts and buckets with the commands of the CLI. Each step depends on those before it. */
describe('the flux CLI, charts and buckets', () => {
  const started = stoppedAfter();
  let weir: Weir;
  let flux: Flux;
  let charts: ChartRepository;
  let store: S3Server;
  let bucket: S3ServerBucket;

  before(async () => {
    charts = started.adopt(await startChartRepository(), (it) => it.close());
    store = started.adopt(await startS3Server(), (it) => it.close());
    charts.protect('/', LOGIN);
    publish('1.0.0');
    weir = await startWeir(started);
    flux = await fluxFor(weir.cluster.kubeconfig);
    await weir.namespace(NAMESPACE);
    await weir.namespace('shop');
    const files = appFiles('deploy', { namespace: 'shop', name: 'web', greeting: 'hello' });
    bucket = await store.createBucket('shop', files);
  });

  /** Publishes versions of the chart `app`, and no others. */
  function publish(...versions: string[]): void {
    for (const version of versions) {
      const content = `apiVersion: v2\nname: app\nversion: ${version}\n`;
      charts.put(`/app-${version}.tgz`, tarGz([{ path: 'app/Chart.yaml', content }]));
    }
    const entries = versions.map(
      (it) => `  - {name: app, version: ${it}, urls: [app-${it}.tgz]}\n`,
    );
    charts.put('/index.yaml', `apiVersion: v1\nentries:\n  app:\n${entries.join('')}`);
  }

  async function greeting(): Promise<unknown> {
    return (await weir.find(ConfigMap, 'shop', 'web'))?.data;
  }

  /** Takes a source of the given sort through what the CLI can do with it once it is Ready. */
  async function live(sort: string, name: string, kind: string, revision: string): Promise<void> {
    const got = await flux('get', 'sources', sort);
    assert.match(got.stdout, new RegExp(`${name}\\s+\\S*${revision}\\S*\\s+False\\s+True`));
    const args = ['source', sort, name];
    succeeded(await flux('reconcile', ...args), 'fetched revision');
    succeeded(await flux('suspend', ...args), `source ${sort} suspended`);
    const suspended = await flux('get', 'sources', sort);
    assert.match(suspended.stdout, new RegExp(`${name}\\s+\\S*${revision}\\S*\\s+True\\s+True`));
    succeeded(await flux('resume', ...args), 'fetched revision');
    succeeded(await flux('export', ...args), `kind: ${kind}`);
  }

  it('create secret helm, create source helm', async () => {
    const secret = await flux(
      ...['create', 'secret', 'helm', 'login', '--username=reader', '--password=s3cret-pw'],
    );
    succeeded(secret, "helm secret 'login' created");
    const created = await flux(
      ...['create', 'source', 'helm', 'charts', `--url=${charts.url}`, '--secret-ref=login'],
      '--interval=1h',
    );
    succeeded(created, 'fetched revision: sha256:');
  });

  it('create source chart: a range of versions, which follows the repository', async () => {
    const created = await flux(
      ...['create', 'source', 'chart', 'app', '--source=HelmRepository/charts', '--chart=app'],
      ...['--chart-version=1.x', '--interval=1h'],
    );
    succeeded(created, 'fetched revision: 1.0.0');
    publish('1.0.0', '1.1.0');
    succeeded(await flux('reconcile', 'source', 'helm', 'charts'), 'fetched revision sha256:');
    const ref = { namespace: NAMESPACE, name: 'app' };
    await weir.wait<HelmChart>(
      HelmChart,
      ref,
      ({ status }) => status?.artifact?.revision === '1.1.0',
    );
  });

  it('get, reconcile, suspend, resume, export and delete source helm and chart', async () => {
    await live('helm', 'charts', 'HelmRepository', 'sha256:');
    await live('chart', 'app', 'HelmChart', '1.1.0');
    succeeded(await flux('delete', 'source', 'chart', 'app', '--silent'), 'source chart deleted');
    succeeded(await flux('delete', 'source', 'helm', 'charts', '--silent'), 'source helm deleted');
    await weir.gone(HelmChart, { namespace: NAMESPACE, name: 'app' });
    await weir.gone(HelmRepository, { namespace: NAMESPACE, name: 'charts' });
  });

  it('create source bucket, and a Kustomization of it', async () => {
    const created = await flux(
      ...['create', 'source', 'bucket', 'shop', '--bucket-name=shop', '--insecure'],
      ...[`--endpoint=${store.endpoint}`, '--region=us-east-1', '--interval=1h'],
      ...[`--access-key=${S3_KEYS.accesskey}`, `--secret-key=${S3_KEYS.secretkey}`],
    );
    succeeded(created, 'fetched revision: sha256:');
    const applied = await flux(
      ...['create', 'kustomization', 'shop', '--source=Bucket/shop', '--path=./deploy'],
      ...['--prune', '--wait', '--interval=1h'],
    );
    succeeded(applied, 'applied revision sha256:');
    assert.deepEqual(await greeting(), { greeting: 'hello' });
  });

  it('reconcile source bucket: what changed is applied', async () => {
    await bucket.put(appFiles('deploy', { namespace: 'shop', name: 'web', greeting: 'again' }));
    const reconciled = await flux('reconcile', 'kustomization', 'shop', '--with-source');
    succeeded(reconciled, 'applied revision sha256:');
    assert.deepEqual(await greeting(), { greeting: 'again' });
  });

  it('get, reconcile, suspend, resume, export and delete source bucket', async () => {
    await live('bucket', 'shop', 'Bucket', 'sha256:');
    succeeded(await flux('delete', 'kustomization', 'shop', '--silent'), 'kustomization deleted');
    succeeded(
      await flux('delete', 'source', 'bucket', 'shop', '--silent'),
      'source bucket deleted',
    );
    await weir.gone(Bucket, { namespace: NAMESPACE, name: 'shop' });
  });

  it('create secret notation, and a source that requires such a signature', async () => {
    const registry = started.adopt(await startRegistry(), (it) => it.close());
    const layers = [{ content: tarGz([{ path: 'a.yaml', content: 'a: 1\n' }]) }];
    await pushArtifact(registry, 'shop/app', { tag: 'v1', layers });
    const authority = await createAuthority('notation-cli');
    const certificate = join(weir.dir, 'notation.crt');
    await writeFile(certificate, authority.certificate);
    const policy = join(weir.dir, 'trustpolicy.json');
    const statement = {
      ...{ name: 'all', registryScopes: ['*'], trustStores: ['ca:weir'] },
      ...{ signatureVerification: { level: 'strict' }, trustedIdentities: ['*'] },
    };
    await writeFile(policy, JSON.stringify({ version: '1.0', trustPolicies: [statement] }));
    const secret = await flux(
      ...['create', 'secret', 'notation', 'trust', `--trust-policy-file=${policy}`],
      `--ca-cert-file=${certificate}`,
    );
    succeeded(secret, "notation configuration secret 'trust' created");
    const data = (await weir.find<KubeObject & { data?: object }>(Secret, NAMESPACE, 'trust'))
      ?.data;
    assert.deepEqual(Object.keys(data ?? {}).sort(), ['notation.crt', 'trustpolicy.json']);
    // The CLI has no flag for this provider.
    const { apiVersion, kind } = OCIRepository;
    const spec = {
      ...{ interval: '1h', url: `oci://${registry.host}/shop/app`, ref: { tag: 'v1' } },
      ...{ insecure: true, verify: { provider: 'notation', secretRef: { name: 'trust' } } },
    };
    const ref = { namespace: NAMESPACE, name: 'signed' };
    const object = { apiVersion, kind, metadata: ref, spec };
    await weir.client.apply(OCIRepository, object, { fieldManager: 'test' });
    await weir.wait<OCIRepository>(OCIRepository, ref, ({ status }) =>
      /no signature is associated with "/.test(
        findCondition(status?.conditions, 'SourceVerified')?.message ?? '',
      ),
    );
  });
});
