// A real Gitea from the push to what it shows of it: webhook, Receiver, source, Kustomization, commit status, comment.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { Alert, Kustomization, Provider, Receiver } from '@weir/api';
import { freePort, type Gitea, startGitea, until } from '@weir/cluster';
import { gitRepository, isReady, kustomization, startWeir, type Weir } from '@weir/kit';
import { stoppedAfter } from './suite.ts';

const NAMESPACE = 'apps';
const HOOK_SECRET = 'secret-of-the-webhook';
const WAIT = { timeoutMs: 60_000, intervalMs: 200 };

const configMap = (color: string) => `apiVersion: v1
kind: ConfigMap
metadata:
  name: app
data:
  color: ${color}
`;

interface Status {
  status: string;
  context: string;
  description: string;
}

/** Each step depends on those before. All intervals are an hour, so that only the webhook can be why something happens. */
describe('a Gitea', () => {
  const started = stoppedAfter();
  let weir: Weir;
  let gitea: Gitea;
  let hooks: string;

  const inNamespace = (apiVersion: string, kind: string, name: string, fields: object) => ({
    ...{ apiVersion, kind },
    metadata: { namespace: NAMESPACE, name },
    ...fields,
  });
  const secret = (name: string, stringData: Record<string, string>) =>
    inNamespace('v1', 'Secret', name, { stringData });
  const statusOf = (commit: string, wanted: string) =>
    until(
      async () => {
        const all = await gitea.api<Status[]>('GET', `/repos/weir/apps/commits/${commit}/statuses`);
        return all.find(({ status }) => status === wanted);
      },
      { ...WAIT, message: `the status ${wanted} of ${commit}` },
    );

  before(async () => {
    const port = await freePort();
    hooks = `http://127.0.0.1:${port}`;
    gitea = await startGitea();
    started.defer(() => gitea.close());
    weir = await startWeir(started, { flags: [`--receiver-port=${port}`] });
    await weir.namespace(NAMESPACE);
    await gitea.api('POST', '/user/repos', { name: 'apps', private: true, auto_init: true });
  });

  it('gets the status of a commit of a private repository', async () => {
    const { url, user, token } = gitea;
    const commit = await gitea.commit('apps', 'app.yaml', configMap('blue'));
    await weir.apply(
      secret('gitea', { username: user, password: token, token }),
      secret('hook', { token: HOOK_SECRET }),
      inNamespace(Provider.apiVersion, 'Provider', 'status', {
        spec: { type: 'gitea', address: `${url}/weir/apps`, secretRef: { name: 'gitea' } },
      }),
      inNamespace(Alert.apiVersion, 'Alert', 'status', {
        spec: {
          providerRef: { name: 'status' },
          eventSources: [{ kind: 'Kustomization', name: '*' }],
        },
      }),
    );
    await weir.knowsAlerts(1);
    await weir.apply(
      gitRepository(NAMESPACE, 'apps', `${url}/weir/apps.git`, { secretRef: { name: 'gitea' } }),
      kustomization(NAMESPACE, 'apps', 'apps', { targetNamespace: NAMESPACE }),
    );
    const { context, description } = await statusOf(commit, 'success');
    assert.match(context, /^kustomization\/apps\//);
    assert.equal(description, 'reconciliation succeeded');
  });

  it('wakes the source by its webhook, and gets the status of what was pushed', async () => {
    await weir.apply(
      inNamespace(Receiver.apiVersion, 'Receiver', 'hook', {
        spec: {
          type: 'github',
          events: ['push'],
          secretRef: { name: 'hook' },
          resources: [{ kind: 'GitRepository', name: 'apps' }],
        },
      }),
    );
    const ref = { namespace: NAMESPACE, name: 'hook' };
    const receiver = await weir.wait<Receiver>(Receiver, ref, ({ status }) =>
      Boolean(status?.webhookPath),
    );
    const config = { url: `${hooks}${receiver.status?.webhookPath}`, content_type: 'json' };
    await gitea.api('POST', '/repos/weir/apps/hooks', {
      ...{ type: 'gitea', active: true, events: ['push'] },
      config: { ...config, secret: HOOK_SECRET },
    });
    const good = await gitea.commit('apps', 'app.yaml', configMap('green'));
    await statusOf(good, 'success');
    const applied = { namespace: NAMESPACE, name: 'apps' };
    await weir.wait<Kustomization>(Kustomization, applied, isReady(good));

    const bad = await gitea.commit('apps', 'app.yaml', 'kind: of nothing\n');
    const { description } = await statusOf(bad, 'failure');
    assert.match(description, /build failed/);
  });

  it('gets a comment on its pull request, which changes in place', async () => {
    const file = '/repos/weir/apps/contents/change.txt';
    const content = Buffer.from('a change').toString('base64');
    await gitea.api('POST', file, { content, message: 'a change', new_branch: 'change' });
    const pull = { title: 'A change', base: 'main', head: 'change' };
    const { number } = await gitea.api<{ number: number }>('POST', '/repos/weir/apps/pulls', pull);
    await weir.apply(
      inNamespace(Provider.apiVersion, 'Provider', 'comment', {
        spec: {
          type: 'giteapullrequestcomment',
          address: `${gitea.url}/weir/apps`,
          secretRef: { name: 'gitea' },
        },
      }),
      inNamespace(Alert.apiVersion, 'Alert', 'comment', {
        spec: {
          providerRef: { name: 'comment' },
          eventMetadata: { change_request: `${number}` },
          eventSources: [{ kind: 'Kustomization', name: 'apps' }],
        },
      }),
    );
    await weir.knowsAlerts(2);
    const comments = () =>
      gitea.api<{ body: string }[]>('GET', `/repos/weir/apps/issues/${number}/comments`);
    const saying = (text: RegExp) =>
      until(async () => (await comments()).some(({ body }) => text.test(body)), {
        ...WAIT,
        message: `a comment that says ${text}`,
      });
    await gitea.commit('apps', 'app.yaml', 'kind: of nothing else\n');
    await saying(/failed to decode/);
    const good = await gitea.commit('apps', 'app.yaml', configMap('yellow'));
    await statusOf(good, 'success');
    await saying(/ConfigMap\/apps\/app configured/);
    assert.equal((await comments()).length, 1);
  });
});
