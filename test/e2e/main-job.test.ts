import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { GitRepository, Kustomization } from '@weir/api';
import { appFiles, gitRepository, isReady, kustomization, startWeir, type Weir } from '@weir/kit';
import { ConfigMap, type KubeObject } from '@weir/kube';
import { stoppedAfter } from './suite.ts';

const NAMESPACE = 'main-job';

describe('a commit becomes cluster state and an alert', () => {
  const started = stoppedAfter();
  let weir: Weir;
  let commit: string;

  before(async () => {
    weir = await startWeir(started);
    await weir.namespace(NAMESPACE);
    const { url } = await weir.repository('app');
    await weir.apply(...alerting(weir.chat.url));
    await weir.knowsAlerts(2);
    commit = await weir.commit('app', appFiles('app', { namespace: NAMESPACE, greeting: 'one' }));
    await weir.apply(
      gitRepository(NAMESPACE, 'app', url),
      kustomization(NAMESPACE, 'app', 'app', { path: './app', wait: true }),
    );
  });

  it('is fetched, applied and healthy', async () => {
    const ref = { namespace: NAMESPACE, name: 'app' };
    const source = await weir.wait(GitRepository, ref, isReady(commit));
    const { artifact } = (source as GitRepository).status ?? {};
    assert.equal(artifact?.revision, `main@sha1:${commit}`);
    assert.match(artifact?.digest ?? '', /^sha256:[0-9a-f]{64}$/);

    const applied = await weir.wait<Kustomization>(Kustomization, ref, isReady(commit));
    assert.equal(applied.status?.lastAppliedRevision, `main@sha1:${commit}`);
    const ids = applied.status?.inventory?.entries.map(({ id }) => id).sort();
    assert.deepEqual(ids, [
      'main-job_app__ConfigMap',
      'main-job_app__Service',
      'main-job_app__ServiceAccount',
      'main-job_app_apps_Deployment',
    ]);
  });

  it('can be fetched from the URL in its status, as clients of Flux do', async () => {
    const source = await weir.find<GitRepository>(GitRepository, NAMESPACE, 'app');
    const response = await fetch(source?.status?.artifact?.url ?? '');
    assert.equal(response.status, 200);
    const bytes = await response.arrayBuffer();
    assert.equal(bytes.byteLength, source?.status?.artifact?.size);
  });

  it('is sent to Slack', async () => {
    const request = await weir.received(
      ({ path, body }) =>
        path === '/services/T0/B0/x' && /Reconciliation finished|created/.test(body),
    );
    assert.equal(request.method, 'POST');
    assert.match(String(request.headers['content-type']), /^application\/json/);
    const { username, attachments, channel } = JSON.parse(request.body);
    assert.deepEqual([username, channel], ['kustomize-controller', 'deployments']);
    const [attachment] = attachments;
    assert.equal(attachment.author_name, `kustomization/app.${NAMESPACE}`);
    assert.equal(attachment.color, 'good');
    const fields = Object.fromEntries(
      attachment.fields.map(({ title, value }: { title: string; value: string }) => [title, value]),
    );
    assert.equal(fields.revision, `main@sha1:${commit}`);
    assert.equal(fields.env, 'test');
  });

  it('is sent to Feishu', async () => {
    const request = await weir.received(
      ({ path, body }) => path === '/open-apis/bot/v2/hook/x' && body.includes('app created'),
    );
    const { msg_type, card } = JSON.parse(request.body);
    assert.equal(msg_type, 'interactive');
    assert.equal(card.header.title.content, `💫 kustomization/app.${NAMESPACE}`);
    assert.match(card.elements[0].text.content, /Deployment\/main-job\/app created/);
    assert.match(card.elements[0].text.content, new RegExp(`revision: main@sha1:${commit}`));
  });

  it('changes what the next commit changes, and prunes what it drops', async () => {
    const ref = { namespace: NAMESPACE, name: 'app' };
    const files = appFiles('app', { namespace: NAMESPACE, greeting: 'two' });
    commit = await weir.commit('app', { ...files, 'app/service.yaml': null });
    await weir.requestReconcile(GitRepository, ref, 'second commit');
    await weir.wait(Kustomization, ref, isReady(commit));
    const config = await weir.find(ConfigMap, NAMESPACE, 'app');
    assert.deepEqual(config?.data, { greeting: 'two' });
    assert.equal(await weir.find(serviceType, NAMESPACE, 'app'), undefined);
    await weir.received(({ body }) => body.includes('Service/main-job/app deleted'));
  });

  it('restores what was changed or deleted by hand', async () => {
    const ref = { namespace: NAMESPACE, name: 'app' };
    const changed = { data: { greeting: 'by hand' } };
    await weir.client.patch(ConfigMap, ref, changed, {
      kind: 'merge',
      fieldManager: 'kubectl-edit',
    });
    await weir.wait(ConfigMap, ref, (object) => dataOf(object).greeting === 'two');
    const before = await weir.find(ConfigMap, NAMESPACE, 'app');
    await weir.client.delete(ConfigMap, ref);
    await weir.wait(ConfigMap, ref, ({ metadata }) => metadata.uid !== before?.metadata.uid);
  });

  it('leaves nothing behind when the Kustomization is deleted', async () => {
    const ref = { namespace: NAMESPACE, name: 'app' };
    await weir.client.delete(Kustomization, ref);
    await weir.gone(Kustomization, ref);
    assert.equal(await weir.find(ConfigMap, NAMESPACE, 'app'), undefined);
  });
});

const serviceType = {
  group: '',
  version: 'v1',
  kind: 'Service',
  plural: 'services',
  namespaced: true,
};

function dataOf(object: KubeObject): Record<string, string> {
  return (object.data ?? {}) as Record<string, string>;
}

/** Providers that send to the receiver as to Slack and Feishu, and for each an Alert that selects all events. */
export function alerting(receiver: string): KubeObject[] {
  const apiVersion = 'notification.toolkit.fluxcd.io/v1beta3';
  const metadata = (name: string) => ({ namespace: NAMESPACE, name });
  const sources = ['GitRepository', 'Kustomization'].map((kind) => ({ kind, name: '*' }));
  const alert = (name: string): KubeObject => ({
    apiVersion,
    kind: 'Alert',
    metadata: metadata(name),
    spec: { providerRef: { name }, eventSources: sources, eventMetadata: { env: 'test' } },
  });
  return [
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: metadata('feishu'),
      stringData: { address: `${receiver}/open-apis/bot/v2/hook/x` },
    },
    {
      apiVersion,
      kind: 'Provider',
      metadata: metadata('slack'),
      spec: { type: 'slack', channel: 'deployments', address: `${receiver}/services/T0/B0/x` },
    },
    {
      apiVersion,
      kind: 'Provider',
      metadata: metadata('feishu'),
      spec: { type: 'lark', secretRef: { name: 'feishu' } },
    },
    alert('slack'),
    alert('feishu'),
  ];
}
