// Failures that are alike, and words of an alert's own, from the event to the message.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { Kustomization } from '@weir/api';
import { until } from '@weir/cluster';
import { DEADLINE, type Harness, type Replica, startHarness } from './testing/harness.ts';

const WAIT = { ...DEADLINE, timeoutMs: 60_000 };
const failed = { failed: 'BuildFailed', metadata: { revision: 'main@sha1:c0ffee' } };

describe('an alert', () => {
  let on: Harness;
  let replicas: Replica[];
  before(async () => {
    on = await startHarness();
    replicas = [await on.start('n-0'), await on.start('n-1')];
  });
  after(() => on?.close());
  beforeEach(() => on.reset());

  const known = () => Promise.all(replicas.map((replica) => on.known(replica)));
  const messages = (path: string): { message: string; severity: string; reason: string }[] =>
    on.chat
      .requests()
      .filter((request) => request.path === path)
      .map(({ body }) => JSON.parse(body));

  async function grouped(name: string, spec: Record<string, unknown> = {}) {
    await on.provider(name, { type: 'generic', address: `${on.chat.url}/${name}` });
    await on.alert(name, { grouping: { window: '2s' }, ...spec });
    await known();
  }

  it('makes one message of five hundred failures, and one when they are over', async () => {
    await grouped('flood', { eventSeverity: 'error' });
    const names = Array.from({ length: 500 }, (_, i) => `app${i}`);
    for (const name of names) on.publish(name, `source ${name} not found`, failed);
    await until(() => messages('/flood').length > 0, { ...WAIT, message: 'the message' });
    // Failures after the window make one more message at most.
    await until(() => / 500 Kustomizations|^500 /.test(messages('/flood').at(-1)?.message ?? ''), {
      ...WAIT,
      message: 'all to be said',
    });
    assert.ok(messages('/flood').length <= 3, JSON.stringify(messages('/flood')));
    const before = messages('/flood').length;
    for (const name of names)
      on.publish(name, `source ${name} not found`, { ...failed, metadata: { revision: 'r2' } });
    for (const name of names) on.publish(name, 'Applied revision: main@sha1:0ddba11');
    await until(() => messages('/flood').at(-1)?.reason === 'Recovered', {
      ...WAIT,
      message: 'the end',
    });
    const told = messages('/flood');
    assert.equal(told.length, before + 1, JSON.stringify(told));
    assert.match(
      told.at(-1)?.message ?? '',
      /^Recovered after .*: 500 Kustomizations, first default\/app/,
    );
    assert.equal(told.at(-1)?.severity, 'info');
  });

  it('sends what is alone as Flux does, and the end of it though nothing changed', async () => {
    await grouped('alone');
    on.publish('apps', 'no such file', failed);
    await until(() => messages('/alone').length === 1, { ...WAIT, message: 'the failure' });
    assert.equal(messages('/alone')[0]?.message, 'no such file');
    on.publish('apps', 'Reconciliation finished in 1s', { metadata: { commit_status: 'update' } });
    await until(() => messages('/alone').length === 2, { ...WAIT, message: 'the end' });
    assert.match(
      messages('/alone')[1]?.message ?? '',
      /^Recovered after \S+\n\nIt was: no such file$/,
    );
  });

  it('goes on after its replicas were stopped while the window was open', async () => {
    await grouped('restart', { grouping: { window: '4s' } });
    on.publish('one', 'no such file', failed);
    on.publish('two', 'no such file', failed);
    const groups = async () => {
      const manager = await (await on.bus.jetstream()).jetstreamManager(false);
      return (await manager.streams.info('weir-groups')).state.messages;
    };
    await until(async () => (await groups()) >= 3, { ...WAIT, message: 'the group to be stored' });
    for (const { running } of replicas) await running.close();
    replicas = [await on.start('n-0'), await on.start('n-1')];
    await until(() => messages('/restart').length === 1, { ...WAIT, message: 'the message' });
    assert.match(
      messages('/restart')[0]?.message ?? '',
      /^2 Kustomizations fail alike, first default\//,
    );
  });

  it('sends each failure at once where it groups nothing', async () => {
    await grouped('plain', { grouping: { window: '0s' } });
    for (const name of ['a', 'b', 'c']) on.publish(name, 'no such file', failed);
    await until(() => messages('/plain').length === 3, { ...WAIT, message: 'all three' });
  });

  it('has words of its own for title and body', async () => {
    await on.apply(Kustomization, 'labelled', {
      metadata: {
        ...{ namespace: 'default', name: 'labelled', labels: { team: 'shop' } },
        annotations: { runbook: 'https://runbooks.example.com/shop' },
      },
      spec: { interval: '1h', prune: true, sourceRef: { kind: 'GitRepository', name: 'x' } },
    });
    await on.provider('words', { type: 'slack', address: `${on.chat.url}/words` });
    const body =
      '{{ .Event.Message | upper }} of {{ .Object.Labels.team }} ({{ .Commit.SHA | trunc 6 }}): {{ .Object.Annotations.runbook }}{{ .Object.Labels.nope }}';
    const title = '{{ .Event.Kind }} {{ .Event.Name }}';
    await on.alert('words', { template: { title, body } });
    await known();
    const sha = 'c0ffee'.padEnd(40, '0');
    on.publish('labelled', 'applied', { metadata: { revision: `main@sha1:${sha}` } });
    const [request] = await on.arrived('/words');
    assert.match(
      request?.body ?? '',
      /APPLIED of shop \(c0ffee\): https:\/\/runbooks\.example\.com\/shop"/,
    );
    assert.match(request?.body ?? '', /"Kustomization labelled"/);
  });

  it('sends the message as it is where its template fails, and says why once', async () => {
    await on.provider('broken', { type: 'generic', address: `${on.chat.url}/broken` });
    await on.alert('broken', { template: { body: '{{ .Nope }}' } });
    await known();
    on.publish('apps', 'applied');
    await on.arrived('/broken');
    assert.equal(messages('/broken')[0]?.message, 'applied');
    const warning = await on.warning('Alert', 'broken', 'InvalidConfig');
    assert.match(String(warning.message), /its template can't be used.*Nope/);
  });

  it('shows no labels of objects of another namespace to a template', async () => {
    await on.apply(
      Kustomization,
      'secretive',
      {
        metadata: { namespace: 'other', name: 'secretive', labels: { plan: 'takeover' } },
        spec: { interval: '1h', prune: true, sourceRef: { kind: 'GitRepository', name: 'x' } },
      },
      'other',
    );
    await on.provider('spy', { type: 'generic', address: `${on.chat.url}/spy` });
    await on.alert('spy', {
      eventSources: [{ kind: 'Kustomization', name: '*', namespace: 'other' }],
      template: { body: 'labels: {{ .Object.Labels }}' },
    });
    await known();
    on.publish('secretive', 'applied', { namespace: 'other' });
    await on.arrived('/spy');
    assert.equal(messages('/spy')[0]?.message, 'labels: map[]');
  });
});
