import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Cluster, until } from '@weir/cluster';
import { type KubeClient, Lease } from '@weir/kube';
import { joinMembership, type Membership, NotOwner } from './membership.ts';
import type { LeaseObject } from './replicas.ts';
import { connect, log, makeNamespace, startApiServer } from './testing/cluster.ts';

const LEASE_MS = 2_000;
const RENEW_MS = 400;
const keys = Array.from({ length: 50 }, (_, n) => `Kustomization/apps/app-${n}`);

describe('membership by Leases', () => {
  let cluster: Cluster;
  let admin: KubeClient;
  let namespaces = 0;

  before(async () => {
    cluster = await startApiServer();
    admin = connect(cluster);
  });
  after(async () => {
    await admin?.close();
    await cluster?.close();
  });

  /** Starts replicas of one service in a namespace of their own, and closes them when the test ends. */
  async function replicas(t: { after(end: () => Promise<void>): void }) {
    namespaces += 1;
    const namespace = await makeNamespace(admin, `replicas-${namespaces}`);
    const all: Membership[] = [];

    async function join(instance: string) {
      const client = connect(cluster);
      const membership = await joinMembership({
        ...{ client, namespace, service: 'kustomize', instance, log },
        leaseMs: LEASE_MS,
        renewMs: RENEW_MS,
      });
      all.push(membership);
      t.after(async () => {
        await membership.close();
        await client.close();
      });
      return { membership, client };
    }

    const owners = (key: string) => all.filter((one) => one.owns(key));

    /** Waits until each key has an owner, and fails when a key ever has two. Returns how long that took, in ms. */
    async function shared(): Promise<number> {
      const start = performance.now();
      const most = await until(
        () => {
          const counts = keys.map((key) => owners(key).length);
          return Math.max(...counts) > 1 ? 'two' : Math.min(...counts) === 1 && 'one';
        },
        { timeoutMs: 10 * LEASE_MS, intervalMs: 5, message: 'each key to have an owner' },
      );
      assert.equal(most, 'one', 'owners of a key');
      return performance.now() - start;
    }

    /** Starts two replicas, and waits until they share the keys. */
    async function joinTwo() {
      const [one, two] = [await join('one'), await join('two')];
      const start = performance.now();
      await until(() => two.membership.healthy(), { timeoutMs: 5_000, message: 'two' });
      await shared();
      return { one, two, tookMs: performance.now() - start };
    }

    return { join, joinTwo, shared, owners, namespace };
  }

  it('gives a lone replica everything at once, by one Lease', async (t) => {
    const { join, shared, namespace } = await replicas(t);
    await join('one');
    assert.ok((await shared()) < LEASE_MS / 2);
    const { items } = await admin.list(Lease, { namespace });
    assert.equal(items.length, 1);
    assert.equal(items[0]?.metadata.labels?.['app.kubernetes.io/component'], 'kustomize');
  });

  it('renews no more often than it should, alone and with others', async (t) => {
    const { joinTwo, namespace } = await replicas(t);
    await joinTwo();
    const stop = new AbortController();
    const watch = admin.listWatch<LeaseObject>(Lease, { namespace, signal: stop.signal });
    const renewals = new Map<string, number>();
    const start = performance.now();
    for await (const event of watch) {
      if (event.type !== 'modified') continue;
      const { name } = event.object.metadata;
      renewals.set(name, (renewals.get(name) ?? 0) + 1);
      if ([...renewals.values()].some((count) => count === 5)) break;
    }
    stop.abort();
    const tookMs = performance.now() - start;
    assert.ok(tookMs > 3.5 * RENEW_MS, `5 renewals in ${tookMs} ms`);
    assert.equal(renewals.size, 2);
  });

  it('hands a newcomer its share without waiting for a lease to end', async (t) => {
    const { joinTwo } = await replicas(t);
    const { one, two, tookMs } = await joinTwo();
    assert.ok(tookMs < LEASE_MS / 2, `${tookMs} ms`);
    for (const { membership } of [one, two]) {
      const share = keys.filter((key) => membership.owns(key)).length;
      assert.ok(share >= 10, `a share of ${share}`);
    }
    assert.deepEqual(one.membership.members(), two.membership.members());
  });

  it('lets the others take over from one that vanished when its lease is over, not before', async (t) => {
    const { joinTwo, shared, namespace } = await replicas(t);
    const { two } = await joinTwo();
    const theirs = keys.filter((key) => two.membership.owns(key));
    // Without a connection the replica can neither renew nor release its Lease, so its own clock has to stop it.
    await two.client.close();
    const cutOff = performance.now();
    await until(() => theirs.every((key) => !two.membership.owns(key)), {
      timeoutMs: 2 * LEASE_MS,
      intervalMs: 5,
      message: 'the one that is cut off to stop',
    });
    for (const key of theirs) assert.throws(() => two.membership.guard(key), NotOwner);
    await shared();
    const tookMs = performance.now() - cutOff;
    assert.ok(tookMs > LEASE_MS - RENEW_MS - 200 && tookMs < 3 * LEASE_MS, `${tookMs} ms`);
    await until(async () => (await admin.list(Lease, { namespace })).items.length === 1, {
      timeoutMs: 5_000,
      message: 'the dead Lease to be removed',
    });
  });

  it('hands over at once when one leaves', async (t) => {
    const { joinTwo, shared, namespace } = await replicas(t);
    const { two } = await joinTwo();
    await two.membership.close();
    assert.throws(() => two.membership.guard(keys[0] ?? ''), NotOwner);
    const tookMs = await shared();
    assert.ok(tookMs < LEASE_MS / 2, `${tookMs} ms`);
    assert.equal((await admin.list(Lease, { namespace })).items.length, 1);
  });

  it('stops acting while the API server is away, and goes on soon after it is back', async (t) => {
    const { joinTwo, shared, owners, namespace } = await replicas(t);
    const { one, two } = await joinTwo();
    await cluster.stop('kube-apiserver', { signal: 'SIGKILL' });
    await until(() => !one.membership.healthy() && !two.membership.healthy(), {
      timeoutMs: 2 * LEASE_MS,
      message: 'both to notice',
    });
    assert.ok(keys.every((key) => owners(key).length === 0));
    await cluster.start('kube-apiserver');
    const tookMs = await shared();
    assert.ok(tookMs < 3 * LEASE_MS, `${tookMs} ms`);
    await until(async () => (await admin.list(Lease, { namespace })).items.length === 2, {
      timeoutMs: 5_000,
      message: 'only the new Leases to be left',
    });
  });

  it('creates its Lease again when that was deleted from outside', async (t) => {
    const { join, shared, namespace } = await replicas(t);
    await join('one');
    const [lease] = (await admin.list(Lease, { namespace })).items;
    assert.ok(lease);
    await admin.delete(Lease, { namespace, name: lease.metadata.name });
    await until(
      async () => {
        const { items } = await admin.list(Lease, { namespace });
        return items.length === 1 && items[0]?.metadata.uid !== lease.metadata.uid;
      },
      { timeoutMs: LEASE_MS, message: 'another Lease' },
    );
    assert.ok((await shared()) < LEASE_MS);
  });
});
