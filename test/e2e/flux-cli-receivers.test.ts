import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { before, describe, it } from 'node:test';
import { GitRepository, Receiver } from '@weir/api';
import { freePort } from '@weir/cluster';
import { isReady, startWeir, type Weir } from '@weir/kit';
import { type Flux, fluxFor, succeeded } from './flux.ts';
import { stoppedAfter } from './suite.ts';

const NAMESPACE = 'flux-system';
const TOKEN = 'token-of-the-webhook';

/**
 * Creates and reads a webhook with the commands of the CLI, and calls it by a push. Each step depends on those before.
 */
describe('the flux CLI and receivers', () => {
  const started = stoppedAfter();
  let weir: Weir;
  let flux: Flux;
  let hooks: string;

  before(async () => {
    const port = await freePort();
    hooks = `http://127.0.0.1:${port}`;
    weir = await startWeir(started, { flags: [`--receiver-port=${port}`] });
    flux = await fluxFor(weir.cluster.kubeconfig);
    await weir.namespace(NAMESPACE);
    const repository = await weir.repository('shop');
    await weir.commit('shop', { 'readme.md': 'one' });
    const spec = ['create', 'source', 'git', 'shop', `--url=${repository.url}`, '--branch=main'];
    succeeded(await flux(...spec, '--interval=1h'), 'fetched revision: main@sha1:');
  });

  const path = async () =>
    (await weir.find<Receiver>(Receiver, NAMESPACE, 'shop'))?.status?.webhookPath ?? '';

  it('create secret receiver, create receiver', async () => {
    const secret = ['create', 'secret', 'receiver', 'shop', '--type=github', `--token=${TOKEN}`];
    succeeded(await flux(...secret, '--hostname=hooks.example.com'), 'created');
    const created = await flux(
      ...['create', 'receiver', 'shop', '--type=github', '--event=push', '--event=ping'],
      ...['--secret-ref=shop', '--resource=GitRepository/shop'],
    );
    succeeded(created, `generated webhook URL ${await path()}`);
  });

  it('get receivers, reconcile receiver', async () => {
    succeeded(await flux('get', 'receivers'), `Receiver initialized for path: ${await path()}`);
    succeeded(await flux('reconcile', 'receiver', 'shop'), 'Receiver reconciliation completed');
  });

  it('a push wakes the source, hours before its interval', async () => {
    const revision = await weir.commit('shop', { 'readme.md': 'two' });
    const body = JSON.stringify({ ref: 'refs/heads/main', after: revision });
    const signature = createHmac('sha256', TOKEN).update(body).digest('hex');
    const headers = {
      'content-type': 'application/json',
      'x-github-event': 'push',
      'x-hub-signature-256': `sha256=${signature}`,
    };
    const response = await fetch(`${hooks}${await path()}`, { method: 'POST', headers, body });
    assert.equal(response.status, 200);
    await weir.wait(GitRepository, { namespace: NAMESPACE, name: 'shop' }, isReady(revision));
  });

  it('suspend, resume and delete receiver', async () => {
    succeeded(await flux('suspend', 'receiver', 'shop'), 'suspended');
    const response = await fetch(`${hooks}${await path()}`, { method: 'POST' });
    assert.equal(response.status, 503);
    succeeded(await flux('resume', 'receiver', 'shop'), 'resumed');
    succeeded(await flux('delete', 'receiver', 'shop', '--silent'), 'deleted');
    await weir.gone(Receiver, { namespace: NAMESPACE, name: 'shop' });
  });
});
