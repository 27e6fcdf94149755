import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Receiver } from '@weir/api';
import { until } from '@weir/cluster';
import { objectKey } from '@weir/kube';
import { createLogger } from '@weir/telemetry';
import { webhookPath } from './path.ts';
import { createWebhookPaths, type WebhookPathsOptions } from './paths.ts';

const log = createLogger({ service: 'test', level: 'error' });

interface Made {
  name: string;
  namespace?: string;
  token?: string;
  /** What its status says. */
  claims?: string;
  made?: string;
}

type Change = Parameters<Parameters<WebhookPathsOptions['informer']['onChange']>[0]>[0];

/** The paths of Receivers whose tokens are known here, and a way to change these. */
function setup() {
  const receivers = new Map<string, Receiver>();
  const tokens = new Map<string, string>();
  const callbacks = new Set<(change: Change) => void>();
  let reads = 0;
  let broken = false;
  const paths = createWebhookPaths({
    log,
    informer: {
      get: (key: string) => receivers.get(key),
      list: () => [...receivers.values()],
      onChange(callback: (change: Change) => void) {
        callbacks.add(callback);
        return () => callbacks.delete(callback);
      },
    } as unknown as WebhookPathsOptions['informer'],
    async compute(receiver) {
      reads += 1;
      if (broken) throw new Error('the API server is away');
      const token = tokens.get(objectKey(receiver));
      return token === undefined ? undefined : webhookPath(receiver, token);
    },
  });
  const pathOf = ({ name, namespace = 'a', token = '' }: Made) =>
    webhookPath({ metadata: { name, namespace } }, token);
  function apply(made: Made): string {
    const { name, namespace = 'a', token = '', claims = pathOf(made), made: at = '2026' } = made;
    const key = `${namespace}/${name}`;
    tokens.set(key, token);
    const previous = receivers.get(key);
    const metadata = { name, namespace, uid: key, generation: 1, creationTimestamp: at };
    const object = { metadata, spec: {}, status: { webhookPath: claims } } as unknown as Receiver;
    receivers.set(key, object);
    const type = previous === undefined ? 'added' : 'modified';
    for (const callback of callbacks) callback({ type, object, previous } as Change);
    return claims;
  }
  const namesAt = async (path: string) => (await paths.at(path)).map(objectKey);
  return {
    paths,
    apply,
    namesAt,
    tokens,
    reads: () => reads,
    fail: (on: boolean) => (broken = on),
  };
}

it('nobody is reached at a path that only their status claims', async (t) => {
  const { paths, apply, namesAt } = setup();
  t.after(() => paths.close());
  const hostile = { name: 'hostile', namespace: 'evil', token: 't', made: '2020' };
  apply(hostile);
  const victim = apply({ name: 'victim', token: 'secret' });
  assert.deepEqual(await namesAt(victim), ['a/victim']);
  apply({ ...hostile, claims: victim });
  for (let index = 0; index < 100; index++) {
    apply({ name: `h${index}`, namespace: 'evil', token: 't', claims: victim, made: '2020' });
  }
  assert.deepEqual(await namesAt(victim), ['a/victim']);
  assert.deepEqual(await namesAt('/hook/unknown'), []);
});

it('a call that comes with the first status waits for the path', async (t) => {
  const { paths, apply, namesAt, reads } = setup();
  t.after(() => paths.close());
  const path = apply({ name: 'new', token: 'secret' });
  assert.deepEqual(await namesAt(path), ['a/new']);
  apply({ name: 'new', token: 'secret' });
  assert.equal(reads(), 1, 'nothing has changed');
});

it('Receivers without a token can have one path, and all of them have it', async (t) => {
  const { paths, apply, namesAt } = setup();
  t.after(() => paths.close());
  // `hook` in `team-a`, and `hooktea` in `m-a`.
  const path = apply({ name: 'hook', namespace: 'team-a', made: '2026-01-02' });
  assert.equal(apply({ name: 'hooktea', namespace: 'm-a', made: '2026-01-03' }), path);
  await until(async () => (await namesAt(path)).length === 2, {
    timeoutMs: 5_000,
    message: 'both to be known',
  });
  assert.deepEqual(await namesAt(path), ['team-a/hook', 'm-a/hooktea']);
});

it('an old path stays until the Receiver is reconciled, and is gone with its path', async (t) => {
  const { paths, apply, namesAt, tokens } = setup();
  t.after(() => paths.close());
  const receiver = { name: 'r', token: 'one' };
  const old = apply(receiver);
  assert.deepEqual(await namesAt(old), ['a/r']);
  tokens.set('a/r', 'two');
  assert.deepEqual(await namesAt(old), ['a/r']);
  const path = apply({ ...receiver, token: 'two' });
  assert.deepEqual(await namesAt(path), ['a/r']);
  assert.deepEqual(await namesAt(old), []);
  const [found] = await paths.at(path);
  paths.set(found ?? assert.fail(), undefined);
  assert.deepEqual(await namesAt(path), []);
});

it('what could not be read is tried again', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { paths, apply, namesAt, fail } = setup();
  t.after(() => paths.close());
  fail(true);
  const path = apply({ name: 'r', token: 'secret' });
  assert.deepEqual(await namesAt(path), []);
  fail(false);
  t.mock.timers.tick(5_000);
  assert.deepEqual(await namesAt(path), ['a/r']);
});
