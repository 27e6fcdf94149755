import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { Alert, Kustomization, Provider } from '@weir/api';
import { freePort, until } from '@weir/cluster';
import { Event, Secret } from '@weir/kube';
import {
  DEADLINE,
  type Harness,
  NAMESPACE,
  type Replica,
  startHarness,
} from './testing/harness.ts';

const HOSTILE = 'hostile';
/** An alert of somebody else must arrive in this time, in ms. */
const PROMPT_MS = 2_000;

/** A server that takes connections and never says a word. */
async function silentServer(): Promise<{ url: string; connections(): number; close(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  });
  const port = await freePort();
  await new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${port}/hook?token=s3cret-token`,
    connections: () => sockets.size,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

describe('what a tenant does to its own alerts', () => {
  let on: Harness;
  let replica: Replica;
  before(async () => {
    on = await startHarness();
    replica = await on.start();
  });
  after(() => on?.close());
  beforeEach(() => on.reset());

  /** Publishes an event in the victim's namespace; answers how long its alert took, in ms. */
  async function victimGets(message: string): Promise<number> {
    const before = on.chat.requests().length;
    const begun = performance.now();
    on.publish('apps', message);
    await on.arrived('/victim', before + 1);
    return performance.now() - begun;
  }
  async function setVictim(): Promise<void> {
    await on.provider('victim', { type: 'generic', address: `${on.chat.url}/victim` });
    await on.alert('victim');
  }

  it('delays nobody: receivers that never answer, with a timeout of a week', async (t) => {
    const silent = await silentServer();
    t.after(() => silent.close());
    await setVictim();
    const spec = { type: 'generic', address: silent.url, timeout: '10000m' };
    await on.provider('silent', spec, HOSTILE);
    for (let i = 0; i < 5; i++) {
      await on.alert(`silent${i}`, { providerRef: { name: 'silent' } }, HOSTILE);
    }
    await on.known(replica);
    for (let i = 0; i < 40; i++) on.publish(`app${i}`, `message ${i}`, { namespace: HOSTILE });
    await until(() => silent.connections() === 12, {
      ...DEADLINE,
      message: 'twelve slots to hang',
    });
    for (let i = 0; i < 5; i++) {
      const tookMs = await victimGets(`round ${i}`);
      assert.ok(tookMs < PROMPT_MS, `${tookMs} ms`);
    }
    assert.equal(silent.connections(), 12, 'the slots of the hostile namespace hang as before');
    await replica.running.close();
    const seen = replica.lines.join('');
    assert.ok(!seen.includes('s3cret-token'), 'no line quotes the token of an address');
    replica = await on.start();
  });

  it('delays nobody: headers and patterns that take seconds to read', async () => {
    await setVictim();
    const headers = '{a: '.repeat(97_000);
    const address = `${on.chat.url}/hostile`;
    await on.apply(Secret, 'headers', { stringData: { address, headers } }, HOSTILE);
    const spec = { type: 'generic', secretRef: { name: 'headers' } };
    await on.provider('headers', spec, HOSTILE);
    await on.alert('headers', {}, HOSTILE);
    await on.provider('patterns', { type: 'generic', address }, HOSTILE);
    const slow = Array.from({ length: 100 }, (_, i) => `(x+x+){60}y{${i}}`);
    await on.alert('patterns', { inclusionList: [...slow] }, HOSTILE);
    await on.alert('broken', { providerRef: { name: 'patterns' }, inclusionList: ['['] }, HOSTILE);
    await on.known(replica);
    for (let i = 0; i < 20; i++) {
      on.publish(`app${i}`, 'x'.repeat(39_000), { namespace: HOSTILE });
    }
    const refused = await on.warning('Alert', 'headers', 'NotificationDispatchFailed', HOSTILE);
    assert.match(String(refused.message), /'headers' in the secret is larger than 16384 bytes/);
    for (let i = 0; i < 5; i++) {
      const tookMs = await victimGets(`round ${i}`);
      assert.ok(tookMs < PROMPT_MS, `${tookMs} ms`);
    }
    const broken = await on.warning('Alert', 'broken', 'InvalidConfig', HOSTILE);
    assert.match(String(broken.message), /not a regular expression of Go: '\['/);
    const tooSlow = await on.warning('Alert', 'patterns', 'NotificationDispatchFailed', HOSTILE);
    assert.match(String(tooSlow.message), /take too long: simplify them/);
  });

  it('costs one request for labels an event, however many alerts ask for them', async () => {
    const kustomization = { interval: '1h', prune: true, sourceRef: { kind: 'Bucket', name: 'x' } };
    await on.apply(Kustomization, 'labelled', { spec: kustomization });
    const matchLabels = { team: 'a' };
    const eventSources = [{ kind: 'Kustomization', name: '*', matchLabels }];
    await on.provider('hook', { type: 'generic', address: `${on.chat.url}/hook` });
    for (let i = 0; i < 20; i++) {
      await on.alert(`labels${i}`, { providerRef: { name: 'hook' }, eventSources });
    }
    await setVictim();
    await on.known(replica);
    on.publish('labelled', 'for nobody');
    await victimGets('for all');
    const path = `/namespaces/${NAMESPACE}/kustomizations/labelled`;
    const reads = async () =>
      (await on.cluster.audit()).filter(
        ({ verb, requestURI }) => verb === 'get' && requestURI.endsWith(path),
      ).length;
    await until(
      async () => (await replica.metrics.expose()).includes('weir_deliveries_queued 0\n'),
      {
        ...DEADLINE,
        message: 'all alerts to be looked at',
      },
    );
    assert.equal(await reads(), 1);
  });

  it('is shared with another replica, in the order of each object', async (t) => {
    const other = await on.start('n-1');
    t.after(() => other.running.close());
    await setVictim();
    await Promise.all([on.known(replica), on.known(other)]);
    const apps = Array.from({ length: 16 }, (_, i) => `app${i}`);
    for (let i = 0; i < 10; i++) for (const app of apps) on.publish(app, `${i}`);
    const requests = await on.arrived('/victim', 160);
    assert.equal(requests.length, 160);
    for (const app of apps) {
      const messages = requests
        .map(({ body }) => JSON.parse(body))
        .filter(({ involvedObject }) => involvedObject.name === app)
        .map(({ message }) => message);
      assert.deepEqual(
        messages,
        Array.from({ length: 10 }, (_, i) => `${i}`),
      );
    }
    for (const { metrics } of [replica, other]) {
      const text = await metrics.expose();
      const sent = /weir_notifications_total\{type="generic",result="sent"\} (\d+)/.exec(text);
      assert.ok(Number(sent?.[1]) > 0, 'each replica has sent some');
    }
  });

  it('has its place in the older version of the API, too', async () => {
    const address = `${on.chat.url}/older`;
    const older = (type: typeof Alert | typeof Provider) => ({ ...type, version: 'v1beta3' });
    await on.apply(older(Provider), 'older', { spec: { type: 'generic', address } });
    const eventSources = [{ kind: 'Kustomization', name: '*' }];
    const spec = { providerRef: { name: 'older' }, summary: 'of v1beta3', eventSources };
    await on.apply(older(Alert), 'older', { spec });
    await until(async () => (await replica.metrics.expose()).includes('{kind="Alert"} 1\n'), {
      ...DEADLINE,
      message: 'the alert',
    });
    on.publish('apps', 'hello');
    const [request] = await on.arrived('/older');
    assert.equal(JSON.parse(request?.body ?? '').metadata.summary, 'of v1beta3');
    const { items } = await on.client.list(Event, { namespace: NAMESPACE });
    assert.ok(!items.some(({ reason }) => reason === 'UnsupportedField'));
  });
});
