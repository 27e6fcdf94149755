// From a pushed image to a changed Deployment and two chats, set up and looked after with the commands of the flux CLI.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { ImageUpdateAutomation } from '@weir/api';
import { type GitServerRepository, startRegistry, until } from '@weir/cluster';
import { appFiles, gitRepository, isReady, kustomization, startWeir, type Weir } from '@weir/kit';
import type { KubeObject } from '@weir/kube';
import { parse } from 'yaml';
import { type Flux, fluxFor, succeeded } from './flux.ts';
import { stoppedAfter } from './suite.ts';

const NAMESPACE = 'flux-system';
const timeoutMs = 60_000;
const DEPLOYMENT = {
  ...{ group: 'apps', version: 'v1', kind: 'Deployment' },
  ...{ plural: 'deployments', namespaced: true },
};

/** Each step depends on those before it. */
describe('the flux CLI and images', () => {
  const started = stoppedAfter();
  let weir: Weir;
  let flux: Flux;
  let repository: GitServerRepository;
  let image: string;
  let folder: string;

  before(async () => {
    const registry = started.adopt(await startRegistry(), (it) => it.close());
    image = `${registry.host}/app`;
    weir = await startWeir(started);
    flux = await fluxFor(weir.cluster.kubeconfig);
    await weir.namespace(NAMESPACE);
    await weir.namespace('shop');
    folder = join(weir.dir, 'image');
    await mkdir(folder);
    await writeFile(join(folder, 'content'), 'any');
    await push('1.0.0');
    repository = await weir.repository('shop');
    const files = appFiles('deploy', { namespace: 'shop', name: 'web' });
    const path = 'deploy/deployment.yaml';
    await weir.commit('shop', {
      ...files,
      [path]: (files[path] ?? '').replace(
        /\[\{name: app, image: .*/,
        `\n      - name: app\n        image: ${image}:1.0.0 # {"$imagepolicy": "${NAMESPACE}:app"}`,
      ),
    });
    await weir.apply(...alerting(weir.chat.url));
    await weir.knowsAlerts(2);
    await weir.apply(
      gitRepository(NAMESPACE, 'shop', repository.url, { interval: '1s' }),
      kustomization(NAMESPACE, 'shop', 'shop', { path: './deploy' }),
    );
  });

  /** The artifact that the registry has under a tag; only its name matters. */
  async function push(tag: string): Promise<void> {
    const pushed = await flux(
      ...['push', 'artifact', `oci://${image}:${tag}`, `--path=${folder}`],
      ...['--source=https://git.example.com/shop', `--revision=${tag}@sha1:${'0'.repeat(40)}`],
    );
    assert.equal(pushed.code, 0, pushed.output);
  }

  async function runs(tag: string): Promise<void> {
    await weir.wait(DEPLOYMENT, { namespace: 'shop', name: 'web' }, (object) =>
      JSON.stringify(object.spec).includes(`"${image}:${tag}"`),
    );
  }
  const commits = async () => Number(await repository.git('rev-list', '--count', 'main'));

  it('create image repository, policy and update', async () => {
    const scanned = await flux(
      ...['create', 'image', 'repository', 'app', `--image=${image}`, '--interval=1h'],
    );
    succeeded(scanned, 'reconciliation completed');
    succeeded(
      await flux('create', 'image', 'policy', 'app', '--image-ref=app', '--select-semver=1.x'),
      'ImagePolicy reconciliation completed',
    );
    const created = await flux(
      ...['create', 'image', 'update', 'shop', '--git-repo-ref=shop', '--git-repo-path=./deploy'],
      ...['--checkout-branch=main', '--author-name=Bot', '--author-email=bot@example.com'],
      ...[
        '--commit-template={{ range .Changed.Changes }}{{ .NewValue }}{{ end }}',
        '--interval=1h',
      ],
    );
    succeeded(created, 'ImageUpdateAutomation reconciliation completed');
    await runs('1.0.0');
    assert.equal(await commits(), 1);
  });

  it('a pushed image changes the Deployment, and both chats are sent the commit', async () => {
    await push('1.1.0');
    succeeded(await flux('reconcile', 'image', 'repository', 'app'), 'scan fetched 2 tags');
    await runs('1.1.0');
    assert.equal(await commits(), 2);
    assert.equal(
      await repository.git('log', '-1', '--format=%s %an', 'main'),
      `${image}:1.1.0 Bot`,
    );
    for (const path of ['/services/T0/B0/x', '/open-apis/bot/v2/hook/x']) {
      await weir.received(
        (message) =>
          message.path === path && /pushed commit '\w{7}' to branch 'main'/.test(message.body),
      );
    }
  });

  it('get images all, get image update, reconcile image update', async () => {
    const all = await flux('get', 'images', 'all');
    for (const name of ['imagerepository/app', 'imagepolicy/app', 'imageupdateautomation/shop']) {
      succeeded(all, name);
    }
    assert.match(
      (await flux('get', 'image', 'update', 'shop')).stdout,
      /shop\s+\S+\s+False\s+True\s+repository up-to-date/,
    );
    succeeded(await flux('reconcile', 'image', 'update', 'shop'), 'repository up-to-date');
  });

  it('suspend and resume image update', async () => {
    succeeded(await flux('suspend', 'image', 'update', 'shop'), 'suspended');
    await push('1.2.0');
    succeeded(await flux('reconcile', 'image', 'repository', 'app'), 'scan fetched 3 tags');
    await until(
      async () => (await flux('get', 'image', 'policy', 'app')).stdout.includes('1.2.0'),
      { timeoutMs, message: 'the policy to choose' },
    );
    assert.equal(await commits(), 2);
    succeeded(await flux('resume', 'image', 'update', 'shop'), 'resumed');
    await runs('1.2.0');
    assert.equal(await commits(), 3);
  });

  it('export and delete image update', async () => {
    const exported = await flux('export', 'image', 'update', 'shop');
    succeeded(exported, 'kind: ImageUpdateAutomation');
    succeeded(exported, 'email: bot@example.com');
    succeeded(await flux('delete', 'image', 'update', 'shop', '--silent'), 'deleted');
    await weir.gone(ImageUpdateAutomation, { namespace: NAMESPACE, name: 'shop' });
    await weir.apply(parse(exported.stdout) as KubeObject);
    const object = await weir.wait(
      ImageUpdateAutomation,
      { namespace: NAMESPACE, name: 'shop' },
      isReady(''),
    );
    assert.ok(object);
    assert.equal(await commits(), 3);
  });
});

/** Providers that send to the receiver as to Slack and Feishu, each with an Alert about automations. */
function alerting(receiver: string): KubeObject[] {
  const apiVersion = 'notification.toolkit.fluxcd.io/v1beta3';
  const metadata = (name: string) => ({ namespace: NAMESPACE, name });
  const addresses = { slack: '/services/T0/B0/x', lark: '/open-apis/bot/v2/hook/x' };
  return Object.entries(addresses).flatMap(([type, path]) => [
    {
      ...{ apiVersion, kind: 'Provider', metadata: metadata(type) },
      spec: { type, channel: 'deployments', address: `${receiver}${path}` },
    },
    {
      ...{ apiVersion, kind: 'Alert', metadata: metadata(type) },
      spec: {
        providerRef: { name: type },
        eventSources: [{ kind: 'ImageUpdateAutomation', name: '*' }],
      },
    },
  ]);
}
