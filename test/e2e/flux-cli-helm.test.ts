import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { HelmRelease } from '@weir/api';
import { buildTool, run, startChartRepository } from '@weir/cluster';
import { publishedCharts } from '@weir/conformance/charts';
import { startWeir, type Weir } from '@weir/kit';
import { ConfigMap, type KubeObject } from '@weir/kube';
import { parseAllDocuments } from 'yaml';
import { type Flux, fluxFor, succeeded } from './flux.ts';
import { stoppedAfter } from './suite.ts';

const NAMESPACE = 'flux-system';

/** The steps of a user with a chart, by the commands of flux and of helm. Each step depends on those before it. */
describe('the flux and the helm CLI release charts', () => {
  const started = stoppedAfter();
  let weir: Weir;
  let flux: Flux;
  let dir: string;
  let url: string;
  let publish: (ids: readonly string[]) => Promise<void>;

  before(async () => {
    weir = await startWeir(started);
    flux = await fluxFor(weir.cluster.kubeconfig);
    dir = await mkdtemp(join(tmpdir(), 'weir-e2e-helm-'));
    started.defer(() => rm(dir, { recursive: true, force: true }));
    const server = await startChartRepository();
    started.defer(() => server.close());
    const published = publishedCharts(server, 'charts');
    publish = published.publish;
    url = published.url;
    await publish(['small-1.0.0']);
    await weir.namespace(NAMESPACE);
    const values = { color: 'red' };
    await writeFile(join(dir, 'values.yaml'), JSON.stringify(values));
  });

  async function helm(...args: string[]): Promise<string> {
    const env = { ...process.env, KUBECONFIG: weir.cluster.kubeconfig, HOME: dir };
    const { code, stdout, stderr } = await run(await buildTool('helm'), args, { env });
    assert.equal(code, 0, stdout + stderr);
    return stdout;
  }
  const color = async () => {
    const config = await weir.find<KubeObject & { data?: Record<string, string> }>(
      ConfigMap,
      NAMESPACE,
      'shop-cfg',
    );
    return config?.data?.color;
  };
  const versions = async (): Promise<number[]> => {
    const listed = await helm('history', 'shop', '-n', NAMESPACE, '-o', 'json');
    return (JSON.parse(listed) as { revision: number }[]).map(({ revision }) => revision);
  };

  it('create source helm and create helmrelease', async () => {
    succeeded(await flux('create', 'source', 'helm', 'charts', `--url=${url}`), 'completed');
    const created = await flux(
      ...['create', 'helmrelease', 'shop', '--source=HelmRepository/charts', '--chart=app'],
      ...['--chart-version=1.x', `--values=${join(dir, 'values.yaml')}`, '--interval=1h'],
    );
    succeeded(created, 'applied revision 1.0.0');
    assert.equal(await color(), 'red');
  });

  it('get helmreleases', async () => {
    const got = await flux('get', 'helmreleases');
    succeeded(got, 'Helm install succeeded for release flux-system/shop.v1 with chart app@1.0.0');
    assert.match(got.stdout, /shop\s+1\.0\.0\s+False\s+True/);
  });

  it('reconcile helmrelease --with-source', async () => {
    await publish(['small-1.1.0']);
    const reconciled = await flux('reconcile', 'helmrelease', 'shop', '--with-source');
    succeeded(reconciled, 'applied revision 1.1.0');
    assert.deepEqual(await versions(), [1, 2]);
  });

  it('reconcile helmrelease --force makes a version, and without it none', async () => {
    succeeded(await flux('reconcile', 'helmrelease', 'shop'), 'applied revision 1.1.0');
    assert.deepEqual(await versions(), [1, 2]);
    succeeded(await flux('reconcile', 'helmrelease', 'shop', '--force'), 'applied revision 1.1.0');
    assert.deepEqual(await versions(), [1, 2, 3]);
    succeeded(await flux('reconcile', 'helmrelease', 'shop', '--reset'), 'applied revision 1.1.0');
    assert.deepEqual(await versions(), [1, 2, 3]);
  });

  it('reconcile helmrelease --reset goes on where retries are used up', async () => {
    const held = { namespace: NAMESPACE, name: 'held-cfg' };
    const fixed = { immutable: true, data: { color: 'mine' } };
    const made = { apiVersion: 'v1', kind: 'ConfigMap', metadata: held, ...fixed };
    await weir.client.create(ConfigMap, made);
    const created = await flux(
      ...['create', 'helmrelease', 'held', '--source=HelmRepository/charts', '--chart=app'],
      ...['--chart-version=1.x', '--interval=1h'],
    );
    assert.equal(created.code, 1, created.stdout + created.stderr);
    await weir.client.delete(ConfigMap, held);
    const reconciled = await flux('reconcile', 'helmrelease', 'held');
    assert.equal(reconciled.code, 1, reconciled.stdout + reconciled.stderr);
    succeeded(await flux('reconcile', 'helmrelease', 'held', '--reset'), 'applied revision 1.1.0');
    succeeded(await flux('delete', 'helmrelease', 'held', '--silent'), 'helmrelease deleted');
    await weir.gone(HelmRelease, { namespace: NAMESPACE, name: 'held' });
  });

  it('suspend and resume', async () => {
    succeeded(await flux('suspend', 'helmrelease', 'shop'), 'helmrelease suspended');
    assert.match((await flux('get', 'helmreleases')).stdout, /shop\s+1\.1\.0\s+True/);
    const refused = await flux('reconcile', 'helmrelease', 'shop');
    assert.equal(refused.code, 1);
    succeeded(await flux('resume', 'helmrelease', 'shop'), 'applied revision 1.1.0');
  });

  it('events, trace and tree', async () => {
    const events = await flux('events', '--for', 'HelmRelease/shop');
    succeeded(events, 'InstallSucceeded');
    succeeded(events, 'UpgradeSucceeded');
    const traced = await flux('trace', 'configmap', 'shop-cfg', '-n', NAMESPACE);
    succeeded(traced, 'HelmRelease:');
    succeeded(traced, 'HelmRepository:');
  });

  it('debug helmrelease', async () => {
    succeeded(await flux('debug', 'helmrelease', 'shop', '--show-values'), 'color: red');
    succeeded(await flux('debug', 'helmrelease', 'shop', '--show-status'), 'UpgradeSucceeded');
    succeeded(await flux('debug', 'helmrelease', 'shop', '--show-history'), 'app');
  });

  it('export', async () => {
    const exported = await flux('export', 'helmrelease', 'shop');
    succeeded(exported, 'kind: HelmRelease');
    const [document] = parseAllDocuments(exported.stdout);
    const object = document?.toJS();
    assert.deepEqual(object.spec.values, { color: 'red' });
    assert.equal(object.status, undefined);
  });

  it('helm list, status, get and test beside it', async () => {
    const listed = JSON.parse(await helm('list', '-n', NAMESPACE, '-o', 'json'));
    assert.equal(listed.length, 1);
    const { name, revision, status, chart } = listed[0];
    assert.deepEqual([name, revision, status, chart], ['shop', '3', 'deployed', 'app-1.1.0']);
    assert.match(await helm('status', 'shop', '-n', NAMESPACE), /STATUS: deployed/);
    assert.match(await helm('get', 'all', 'shop', '-n', NAMESPACE), /name: shop-cfg/);
    assert.match(await helm('test', 'shop', '-n', NAMESPACE), /STATUS: deployed/);
  });

  it('helm rollback is no version of the HelmRelease, which is upgraded again', async () => {
    await helm('rollback', 'shop', '1', '-n', NAMESPACE);
    succeeded(await flux('reconcile', 'helmrelease', 'shop'), 'applied revision 1.1.0');
    await weir.wait<HelmRelease>(HelmRelease, { namespace: NAMESPACE, name: 'shop' }, (object) => {
      return object.status?.history?.[0]?.version === 5;
    });
  });

  it('delete', async () => {
    succeeded(await flux('delete', 'helmrelease', 'shop', '--silent'), 'helmrelease deleted');
    await weir.gone(HelmRelease, { namespace: NAMESPACE, name: 'shop' });
    assert.equal(await color(), undefined);
    assert.deepEqual(JSON.parse(await helm('list', '-n', NAMESPACE, '-o', 'json')), []);
  });
});
