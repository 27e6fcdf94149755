import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { type Cluster, until } from '@weir/cluster';
import { joinMembership, type LeaseObject, NotOwner } from '@weir/controller';
import { connect, log, makeNamespace, startApiServer } from '@weir/controller/testing';
import { type KubeClient, Lease } from '@weir/kube';
import { type FluxLeaders, watchFluxLeaders, yieldToFlux } from './flux-leaders.ts';

const NAME = 'kustomize-controller-leader-election';
const DURATION_S = 2;

describe('leader Leases of Flux controllers', () => {
  let cluster: Cluster;
  let admin: KubeClient;
  let count = 0;

  before(async () => {
    cluster = await startApiServer();
    admin = connect(cluster);
  });
  after(async () => {
    await admin?.close();
    await cluster?.close();
  });

  async function place() {
    count += 1;
    const namespace = await makeNamespace(admin, `flux-${count}`);
    const ref = { namespace, name: NAME };

    /** What a Flux controller writes into its Lease; `renewTime` counts only as something that changes. */
    async function lead(name: string, spec: Partial<LeaseObject['spec']> = {}) {
      const lease: LeaseObject = {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { namespace, name },
        spec: {
          holderIdentity: 'pod-1',
          leaseDurationSeconds: DURATION_S,
          renewTime: new Date().toISOString().replace('Z', '000Z'),
          ...spec,
        },
      };
      await admin.apply(Lease, lease, { fieldManager: 'flux', force: true });
    }
    return { namespace, ref, lead };
  }

  function watch(t: TestContext, namespaces: string[]): FluxLeaders {
    const controllers = ['kustomize-controller'];
    const leaders = watchFluxLeaders({ client: admin, controllers, namespaces, log });
    t.after(() => leaders.close());
    return leaders;
  }
  const free = (leaders: FluxLeaders, timeoutMs = 5_000) =>
    until(() => leaders.blocked() === undefined, { timeoutMs, message: 'no leader' });
  const led = (leaders: FluxLeaders) =>
    until(() => leaders.blocked()?.startsWith('Flux'), { timeoutMs: 5_000, message: 'a leader' });

  it('block until they are read, and no longer where there are none', async (t) => {
    const { namespace } = await place();
    const leaders = watch(t, [namespace, 'no-such-namespace']);
    assert.match(leaders.blocked() ?? '', /^the Leases in flux-\d+ are not read yet$/);
    await free(leaders);
    assert.equal(watch(t, []).blocked(), undefined);
  });

  it('block while they are renewed, and free what they held within seconds', async (t) => {
    const { namespace, lead } = await place();
    await lead(NAME);
    const leaders = watch(t, [namespace]);
    await led(leaders);
    assert.equal(
      leaders.blocked(),
      `Flux's kustomize-controller is at work (Lease ${namespace}/${NAME} of pod-1)`,
    );
    const start = performance.now();
    while (performance.now() - start < 1.5 * DURATION_S * 1000) {
      await lead(NAME);
      assert.ok(leaders.blocked(), 'a leader that renews');
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    const renewed = performance.now();
    await free(leaders);
    const tookMs = performance.now() - renewed;
    assert.ok(tookMs > DURATION_S * 500 && tookMs < DURATION_S * 1000 + 1_500, `${tookMs} ms`);

    await lead(NAME);
    await led(leaders);
  });

  it('end at once when they are released or deleted', async (t) => {
    const { namespace, ref, lead } = await place();
    const leaders = watch(t, [namespace]);
    await free(leaders);
    await lead(NAME, { leaseDurationSeconds: 3600 });
    await led(leaders);
    await lead(NAME, { holderIdentity: '', leaseDurationSeconds: 1 });
    await free(leaders, 1_500);
    await lead(NAME, { leaseDurationSeconds: 3600 });
    await led(leaders);
    await admin.delete(Lease, ref);
    await free(leaders, 1_500);
  });

  it('count for shards, and not for others or what was left behind', async (t) => {
    const { namespace, lead } = await place();
    const long = { leaseDurationSeconds: 3600 };
    await lead('source-controller-leader-election', long);
    await lead('kustomize-controller-leader-election-old', long);
    await lead(NAME, { ...long, renewTime: '2026-01-01T00:00:00.000000Z' });
    const leaders = watch(t, [namespace]);
    await free(leaders);
    await lead(`${NAME}-0a1b2c3d`, long);
    await led(leaders);
  });

  it('take away what a replica owns, and give it back', async (t) => {
    const { namespace, ref, lead } = await place();
    const leaders = watch(t, [namespace]);
    const membership = yieldToFlux(
      await joinMembership({ client: admin, namespace, service: 's', instance: 'one', log }),
      leaders,
    );
    t.after(() => membership.close());
    let changes = 0;
    membership.onChange(() => {
      changes += 1;
    });
    const owns = () =>
      until(() => membership.owns('a/b'), { timeoutMs: 5_000, message: 'to own it' });
    await owns();
    membership.guard('a/b');
    await lead(NAME, { leaseDurationSeconds: 3600 });
    await led(leaders);
    assert.equal(membership.owns('a/b'), false);
    assert.throws(() => membership.guard('a/b'), NotOwner);
    const before = changes;
    await admin.delete(Lease, ref);
    await owns();
    assert.ok(changes > before);
  });
});
