import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { FINALIZER, Kustomization, RECONCILE_REQUEST } from '@weir/api';
import { type Cluster, until } from '@weir/cluster';
import { isNotFound, type KubeClient } from '@weir/kube';
import { createMetrics, createTracing, formatTraceparent } from '@weir/telemetry';
import { runController } from './controller.ts';
import { addFinalizer, removeFinalizer } from './finalizers.ts';
import { createInformer } from './informer.ts';
import { joinMembership } from './membership.ts';
import type { Outcome, ReconcileContext } from './reconcile.ts';
import { createStatusWriter } from './status.ts';
import {
  connect,
  installKustomization,
  kustomization,
  log,
  makeNamespace,
  startApiServer,
} from './testing/cluster.ts';

const LEASE_MS = 2_000;
const WAIT = { timeoutMs: 10_000, intervalMs: 10 };

interface Called {
  key: string;
  object: Kustomization;
  context: ReconcileContext;
}

describe('a controller', () => {
  let cluster: Cluster;
  let admin: KubeClient;
  let namespaces = 0;

  before(async () => {
    cluster = await startApiServer();
    admin = connect(cluster);
    await installKustomization(admin);
  });
  after(async () => {
    await admin?.close();
    await cluster?.close();
  });

  /** Makes a namespace for one test, and starts controllers that see only this namespace. */
  async function setUp(t: { after(end: () => Promise<void>): void }) {
    namespaces += 1;
    const namespace = await makeNamespace(admin, `controller-${namespaces}`);

    async function start(
      reconcile: (called: Called) => Promise<Outcome> = async () => ({}),
      { concurrency = 4, stopGraceMs = 1_000 } = {},
    ) {
      const client = connect(cluster);
      const metrics = createMetrics({ service: 'test' });
      const tracing = createTracing({ service: 'test' });
      const informer = createInformer<Kustomization>(client, Kustomization, { namespace, log });
      const membership = await joinMembership({
        ...{ client, namespace, service: 'test', instance: 'test', log },
        leaseMs: LEASE_MS,
        renewMs: LEASE_MS / 5,
      });
      const calls: Called[] = [];
      const controller = runController<Kustomization>({
        ...{ name: 'kustomization', kind: Kustomization, informer, membership, concurrency },
        reconcile: (object, context) => {
          const called = { key: object.metadata.name, object, context };
          calls.push(called);
          return reconcile(called);
        },
        ...{ stopGraceMs, retry: { minMs: 50, maxMs: 500 }, log, metrics, tracing },
      });
      async function close() {
        await controller.close();
        await membership.close();
        informer.close();
        await client.close();
        await tracing.close();
      }
      t.after(close);
      const times = (name: string) => calls.filter(({ key }) => key === name).length;
      return { client, controller, informer, membership, metrics, tracing, calls, times, close };
    }

    const ref = (name: string) => ({ namespace, name });
    const create = (name: string) =>
      admin.create<Kustomization>(Kustomization, kustomization(namespace, name));
    const patch = (name: string, body: object, subresource?: 'status') =>
      admin.patch<Kustomization>(Kustomization, ref(name), body, {
        kind: 'merge',
        ...(subresource && { subresource }),
      });
    return { namespace, start, ref, create, patch };
  }

  it('runs what is added, and what has changed for a reconciler, but not for its own status', async (t) => {
    const { start, create, patch } = await setUp(t);
    await create('early');
    const { times, calls, controller, informer } = await start();
    await until(() => times('early') === 1, { ...WAIT, message: 'what was there before' });
    await create('late');
    await until(() => times('late') === 1, { ...WAIT, message: 'what came later' });
    await controller.idle();

    const written = await patch(
      'late',
      { status: { lastAppliedRevision: 'main@sha1:1' } },
      'status',
    );
    await patch('late', { metadata: { labels: { team: 'a' } } });
    await patch('late', { spec: { path: './other' } });
    await until(() => times('late') === 2, { ...WAIT, message: 'a new spec' });
    assert.deepEqual([...(calls.at(-1)?.context.causes ?? [])], ['spec']);
    assert.equal(
      informer.get(`${written.metadata.namespace}/late`)?.status?.lastAppliedRevision,
      'main@sha1:1',
    );

    await patch('late', { metadata: { annotations: { [RECONCILE_REQUEST]: 'now' } } });
    await until(() => times('late') === 3, { ...WAIT, message: 'a request' });
    assert.deepEqual([...(calls.at(-1)?.context.causes ?? [])], ['requested']);
    await controller.idle();
    assert.equal(times('early'), 1);
  });

  it('aborts the signal of a superseded run, and runs again with what superseded it', async (t) => {
    const { start, create, patch } = await setUp(t);
    const { times, calls, controller } = await start(async ({ context }) => {
      if (context.causes.has('added')) await aborted(context.superseded);
      return {};
    });
    await create('app');
    await until(() => times('app') === 1, { ...WAIT, message: 'the first run' });
    await patch('app', { spec: { suspend: true } });
    await until(() => times('app') === 2, { ...WAIT, message: 'the second run' });
    assert.equal(calls[1]?.object.spec.suspend, true);
    await controller.idle();
    assert.equal(calls[0]?.context.signal.aborted, false);
  });

  it('interrupts a run where asked to, and carries the trace of who asked', async (t) => {
    const { start, create, namespace } = await setUp(t);
    const traces: (string | undefined)[] = [];
    const running = await start(async ({ context }) => {
      traces.push(running.tracing.traceparent());
      if (context.causes.has('added')) await aborted(context.superseded);
      return {};
    });
    await create('app');
    await until(() => running.times('app') === 1, { ...WAIT, message: 'the first run' });
    const traceId = 'a'.repeat(32);
    const traceparent = formatTraceparent({ traceId, spanId: 'b'.repeat(16), traceFlags: 1 });
    const key = `${namespace}/app`;
    running.controller.enqueue(key, { cause: 'artifact', traceparent, interrupt: true });
    await until(() => running.times('app') === 2, { ...WAIT, message: 'the second run' });
    assert.equal(running.calls[1]?.context.traceparent, traceparent);
    assert.ok(traces[1]?.includes(traceId), `${traces[1]}`);
    assert.ok(!traces[0]?.includes(traceId));
  });

  it('goes on with others while a run waits', async (t) => {
    const { start, create } = await setUp(t);
    const healthy = Promise.withResolvers<void>();
    const done: string[] = [];
    const { controller } = await start(
      async ({ key, context }) => {
        if (key.startsWith('slow')) await context.waiting(() => healthy.promise);
        done.push(key);
        return {};
      },
      { concurrency: 1 },
    );
    for (const name of ['slow-1', 'slow-2', 'quick-1', 'quick-2']) await create(name);
    await until(() => done.length === 2, { ...WAIT, message: 'the quick ones' });
    assert.deepEqual(done.toSorted(), ['quick-1', 'quick-2']);
    healthy.resolve();
    await controller.idle();
    assert.equal(done.length, 4);
  });

  it('retries failures with a growing count of attempts, and counts them', async (t) => {
    const { start, create } = await setUp(t);
    const { times, calls, metrics } = await start(async ({ context }): Promise<Outcome> => {
      if (context.attempt === 1) throw new Error('thrown');
      return context.attempt === 2 ? { retry: new Error('returned') } : {};
    });
    await create('app');
    await until(() => times('app') === 3, { ...WAIT, message: 'three attempts' });
    assert.deepEqual(
      calls.map(({ context }) => context.attempt),
      [1, 2, 3],
    );
    const text = await metrics.expose();
    assert.match(text, /weir_reconciles_total\{[^}]*outcome="failure"[^}]*\} 2/);
    assert.match(text, /gotk_reconcile_duration_seconds_count\{[^}]*name="app"[^}]*\} 3/);
    assert.match(text, /gotk_reconcile_condition\{[^}]*status="Unknown"[^}]*\} 1/);
  });

  it('adds a finalizer, cleans up on deletion and lets the object go', async (t) => {
    const { start, create, ref } = await setUp(t);
    const cleaned: string[] = [];
    const running = await start(async ({ key, object, context }) => {
      const { client, informer } = running;
      const options = { informer, guard: context.guard, fieldManager: 'kustomize-controller' };
      if (object.metadata.deletionTimestamp === undefined) {
        await addFinalizer(client, Kustomization, object, FINALIZER, options);
      } else {
        cleaned.push(key);
        await removeFinalizer(client, Kustomization, object, FINALIZER, options);
      }
      return {};
    });
    await create('app');
    await until(
      async () => (await admin.get(Kustomization, ref('app'))).metadata.finalizers?.length === 1,
      { ...WAIT, message: 'the finalizer' },
    );
    await admin.delete(Kustomization, ref('app'));
    await until(() => running.informer.list().length === 0, { ...WAIT, message: 'the end' });
    assert.deepEqual(cleaned, ['app']);
    await assert.rejects(admin.get(Kustomization, ref('app')), isNotFound);
    await running.controller.idle();
    assert.ok(!(await running.metrics.expose()).includes('name="app"'), 'its metrics are gone');
  });

  it('writes a status as few times as can be, over the writes of others', async (t) => {
    const { create, ref, patch } = await setUp(t);
    const object = await create('app');
    const options = { fieldManager: 'kustomize-controller', guard: () => undefined, delayMs: 100 };
    const writer = createStatusWriter(admin, Kustomization, object, options);
    const version = async () =>
      (await admin.get(Kustomization, ref('app'))).metadata.resourceVersion;

    for (const n of [1, 2, 3]) writer.progress({ lastAttemptedRevision: `main@sha1:${n}` });
    assert.equal(await version(), object.metadata.resourceVersion);
    await until(
      async () =>
        (await admin.get<Kustomization>(Kustomization, ref('app'))).status?.lastAttemptedRevision,
      { ...WAIT, message: 'progress' },
    ).then((revision) => assert.equal(revision, 'main@sha1:3'));

    // Another writer changes the object: the write of the status must neither fail nor undo that change.
    await patch('app', { metadata: { labels: { team: 'a' } } });
    writer.progress({ lastAttemptedRevision: 'never written' });
    const last = await writer.finish({ lastAppliedRevision: 'main@sha1:4' });
    assert.deepEqual(last.status, { lastAppliedRevision: 'main@sha1:4' });
    assert.equal(last.metadata.labels?.team, 'a');
    assert.ok(last.metadata.managedFields?.some(({ manager }) => manager === options.fieldManager));

    const again = createStatusWriter(admin, Kustomization, last, options);
    await again.finish({ lastAppliedRevision: 'main@sha1:4' });
    assert.equal(
      await version(),
      last.metadata.resourceVersion,
      'nothing changed, nothing written',
    );
  });

  it('writes no status of an object that is gone, or of another by its name', async (t) => {
    const { create, ref } = await setUp(t);
    const object = await create('app');
    const options = { fieldManager: 'kustomize-controller', guard: () => undefined };
    await admin.delete(Kustomization, ref('app'));
    const gone = createStatusWriter(admin, Kustomization, object, options);
    assert.equal(await gone.finish({ lastAppliedRevision: 'x' }), object);
    await create('app');
    const other = createStatusWriter(admin, Kustomization, object, options);
    await other.finish({ lastAppliedRevision: 'x' });
    const now = await admin.get<Kustomization>(Kustomization, ref('app'));
    assert.equal(now.status?.lastAppliedRevision, undefined);
  });

  it('shares objects with another replica, aborts what it loses, and gets all when the other goes', async (t) => {
    const { start, create, namespace } = await setUp(t);
    const names = Array.from({ length: 30 }, (_, n) => `app-${n}`);
    for (const name of names) await create(name);
    const guarded: string[] = [];
    // Each run lasts until its signal aborts, so an object changes its owner only if the run of the old one is aborted.
    const hold = async ({ key, context }: Called) => {
      await context.waiting(() => aborted(context.signal));
      try {
        context.guard();
        guarded.push(key);
      } catch {
        return {};
      }
      return {};
    };
    const one = await start(hold);
    await until(() => one.calls.length === names.length, { ...WAIT, message: 'all with one' });
    const two = await start(hold);
    await until(() => two.calls.length > 0 && two.membership.healthy(), {
      ...WAIT,
      message: 'two',
    });
    const moved = new Set(two.calls.map(({ key }) => key));
    assert.ok(moved.size < names.length);
    const stillRuns = ({ calls }: typeof one) =>
      new Set(calls.filter(({ context }) => !context.signal.aborted).map(({ key }) => key));
    for (const key of stillRuns(one)) assert.ok(!stillRuns(two).has(key), `${key} runs twice`);
    assert.equal(stillRuns(one).size + stillRuns(two).size, names.length);

    // Enqueueing an object that another replica owns has no effect.
    const [theirs = ''] = moved;
    const before = one.times(theirs);
    one.controller.enqueue(`${namespace}/${theirs}`, { cause: 'test' });
    await two.close();
    await until(() => stillRuns(one).size === names.length, { ...WAIT, message: 'all with one' });
    assert.equal(one.times(theirs), before + 1);
    assert.deepEqual(guarded, []);
  });

  it('stops within its grace: waits end at once, other runs when the time is over', async (t) => {
    const { start, create } = await setUp(t);
    const ended: string[] = [];
    const { controller, times } = await start(
      async ({ key, context }) => {
        const wait = () => aborted(context.signal);
        await (key === 'waits' ? context.waiting(wait) : wait());
        ended.push(key);
        return {};
      },
      { stopGraceMs: 300 },
    );
    await create('waits');
    await create('works');
    await until(() => times('waits') + times('works') === 2, { ...WAIT, message: 'both' });
    const closing = performance.now();
    await controller.close();
    assert.deepEqual(ended, ['waits', 'works']);
    const tookMs = performance.now() - closing;
    assert.ok(tookMs >= 290 && tookMs < 2_000, `${tookMs} ms`);
  });

  it('outlives the API server, and misses nothing that happened meanwhile', async (t) => {
    const { start, create, patch, ref } = await setUp(t);
    await create('stays');
    await create('goes');
    const { informer, times, calls } = await start();
    await until(() => times('stays') + times('goes') === 2, { ...WAIT, message: 'both' });
    await cluster.restart('kube-apiserver', { signal: 'SIGKILL' });
    await patch('stays', { spec: { path: './changed' } });
    await admin.delete(Kustomization, ref('goes'));
    await create('comes');
    const isCurrent = () =>
      calls.some(({ key, object }) => key === 'stays' && object.spec.path === './changed');
    await until(() => times('comes') > 0 && isCurrent(), {
      ...WAIT,
      timeoutMs: 30_000,
      message: 'what happened after the restart',
    });
    assert.deepEqual(
      informer
        .list()
        .map(({ metadata }) => metadata.name)
        .sort(),
      ['comes', 'stays'],
    );
  });
});

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
