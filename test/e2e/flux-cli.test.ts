import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { Alert, GitRepository, Kustomization, Provider } from '@weir/api';
import { appFiles, isReady, startWeir, type Weir } from '@weir/kit';
import { ConfigMap } from '@weir/kube';
import { parseAllDocuments } from 'yaml';
import { type Flux, fluxFor, succeeded } from './flux.ts';
import { stoppedAfter } from './suite.ts';

const NAMESPACE = 'flux-system';

/** A user's way through the commands of the CLI. Each step depends on those before it. */
describe('the flux CLI', () => {
  const started = stoppedAfter();
  let weir: Weir;
  let flux: Flux;
  let url: string;
  let commit: string;

  before(async () => {
    weir = await startWeir(started);
    flux = await fluxFor(weir.cluster.kubeconfig);
    await weir.namespace(NAMESPACE);
    await weir.namespace('shop');
    const repository = await weir.repository('shop');
    url = repository.url;
    commit = await weir.commit('shop', appFiles('deploy', { namespace: 'shop', name: 'web' }));
  });

  it('create source git', async () => {
    const created = await flux('create', 'source', 'git', 'shop', `--url=${url}`, '--branch=main');
    succeeded(created, `fetched revision: main@sha1:${commit}`);
  });

  it('create kustomization', async () => {
    const created = await flux(
      ...['create', 'kustomization', 'shop', '--source=GitRepository/shop', '--path=./deploy'],
      ...['--prune', '--wait', '--interval=1h'],
    );
    succeeded(created, `applied revision main@sha1:${commit}`);
  });

  it('get sources git', async () => {
    const got = await flux('get', 'sources', 'git');
    succeeded(got, `shop\tmain@sha1:${commit.slice(0, 8)}`);
    succeeded(got, `stored artifact for revision 'main@sha1:${commit.slice(0, 8)}'`);
  });

  it('get kustomizations', async () => {
    const got = await flux('get', 'kustomizations');
    succeeded(got, `Applied revision: main@sha1:${commit.slice(0, 8)}`);
    assert.match(got.stdout, /shop\s+main@sha1:\w+\s+False\s+True/);
  });

  it('reconcile kustomization --with-source', async () => {
    const files = appFiles('deploy', { namespace: 'shop', name: 'web', greeting: 'again' });
    commit = await weir.commit('shop', files);
    const reconciled = await flux('reconcile', 'kustomization', 'shop', '--with-source');
    succeeded(reconciled, `fetched revision main@sha1:${commit}`);
    succeeded(reconciled, `applied revision main@sha1:${commit}`);
    const config = await weir.find(ConfigMap, 'shop', 'web');
    assert.deepEqual(config?.data, { greeting: 'again' });
  });

  it('suspend', async () => {
    succeeded(await flux('suspend', 'kustomization', 'shop'), 'kustomization suspended');
    succeeded(await flux('suspend', 'source', 'git', 'shop'), 'source git suspended');
    const got = await flux('get', 'kustomizations');
    assert.match(got.stdout, /shop\s+main@sha1:\w+\s+True/);
    const refused = await flux('reconcile', 'kustomization', 'shop');
    assert.equal(refused.code, 1);
    assert.match(refused.output, /suspended/);
  });

  it('resume', async () => {
    const files = appFiles('deploy', { namespace: 'shop', name: 'web', greeting: 'resumed' });
    commit = await weir.commit('shop', files);
    succeeded(
      await flux('resume', 'source', 'git', 'shop'),
      `fetched revision main@sha1:${commit}`,
    );
    await weir.wait(GitRepository, { namespace: NAMESPACE, name: 'shop' }, isReady(commit));
    succeeded(
      await flux('resume', 'kustomization', 'shop'),
      `applied revision main@sha1:${commit}`,
    );
    const config = await weir.find(ConfigMap, 'shop', 'web');
    assert.deepEqual(config?.data, { greeting: 'resumed' });
  });

  it('events', async () => {
    const printed = await flux('events', '--for', 'Kustomization/shop');
    succeeded(printed, 'ReconciliationSucceeded');
    succeeded(printed, 'Reconciliation finished in');
    succeeded(printed, 'ConfigMap/shop/web configured');
    succeeded(await flux('events', '--for', 'GitRepository/shop'), 'NewArtifact');
  });

  it('trace', async () => {
    const traced = await flux('trace', 'deployment', 'web', '-n', 'shop');
    succeeded(traced, 'Managed by Flux');
    succeeded(traced, url);
    assert.match(traced.output, new RegExp(`Message:\\s+Applied revision: main@sha1:${commit}`));
  });

  it('tree kustomization', async () => {
    const drawn = await flux('tree', 'kustomization', 'shop');
    for (const object of ['ConfigMap', 'Deployment', 'Service', 'ServiceAccount']) {
      succeeded(drawn, `${object}/shop/web`);
    }
  });

  it('create alert-provider and create alert', async () => {
    const provider = await flux(
      ...['create', 'alert-provider', 'chat', '--type=slack', '--channel=ops'],
      `--address=${weir.chat.url}/services/T0/B0/x`,
    );
    succeeded(provider, 'Provider chat is ready');
    const alert = await flux(
      ...['create', 'alert', 'chat', '--provider-ref=chat', '--event-severity=info'],
      '--event-source=Kustomization/*',
    );
    succeeded(alert, 'Alert chat is ready');
    assert.ok(await weir.find(Provider, NAMESPACE, 'chat'));
    assert.ok(await weir.find(Alert, NAMESPACE, 'chat'));

    const files = appFiles('deploy', { namespace: 'shop', name: 'web', greeting: 'told' });
    commit = await weir.commit('shop', files);
    succeeded(await flux('reconcile', 'kustomization', 'shop', '--with-source'), commit);
    const message = await weir.received((request) => request.body.includes(commit));
    assert.equal(message.path, '/services/T0/B0/x');
    assert.equal(JSON.parse(message.body).channel, 'ops');
  });

  it('export', async () => {
    for (const [kind, ...command] of [
      ['GitRepository', 'source', 'git', 'shop'],
      ['Kustomization', 'kustomization', 'shop'],
      ['Provider', 'alert-provider', 'chat'],
      ['Alert', 'alert', 'chat'],
    ]) {
      const exported = await flux('export', ...command);
      succeeded(exported, `kind: ${kind}`);
      const [document] = parseAllDocuments(exported.stdout);
      const object = document?.toJS();
      assert.equal(object.metadata.name, command.at(-1));
      assert.ok(object.spec && !object.status, 'a spec and no status');
    }
  });

  it('delete', async () => {
    succeeded(await flux('delete', 'kustomization', 'shop', '--silent'), 'kustomization deleted');
    await weir.gone(Kustomization, { namespace: NAMESPACE, name: 'shop' });
    await weir.gone(ConfigMap, { namespace: 'shop', name: 'web' });
    succeeded(await flux('delete', 'source', 'git', 'shop', '--silent'), 'source git deleted');
    await weir.gone(GitRepository, { namespace: NAMESPACE, name: 'shop' });
    succeeded(await flux('delete', 'alert', 'chat', '--silent'), 'alert deleted');
    succeeded(await flux('delete', 'alert-provider', 'chat', '--silent'), 'alert provider deleted');
  });
});
