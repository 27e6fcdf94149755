import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { until } from '@weir/cluster';
import { type LeaseObject, REPLICA_LABEL } from '@weir/controller';
import { type Platform, RUNTIME, startPlatform } from '@weir/kit';
import { Event, Lease, Namespace } from '@weir/kube';
import { createMetrics } from '@weir/telemetry';
import { defineService, type ServiceParts, type StartedService } from './define.ts';
import type { Service } from './service.ts';
import { createSettings } from './settings.ts';

const CONTROLLER = 'kustomize-controller';
const LEADER = { namespace: RUNTIME, name: `${CONTROLLER}-leader-election` };
const WAIT_MS = 10_000;

describe('a defined service', () => {
  let platform: Platform;
  let names = 0;

  before(async () => {
    platform = await startPlatform();
  });
  after(() => platform?.close());

  /** Defines a service whose own part is `start`, under a name that no other test uses. */
  function define(start: (parts: ServiceParts) => Promise<StartedService>): Service {
    return defineService({ name: `defined-${++names}`, controllers: [CONTROLLER], start });
  }

  /** Starts the service without a storage folder of its own, so that it makes a temporary one. */
  async function run(t: TestContext, service: Service) {
    const running = await platform.start(service, 'one', { 'storage-dir': '' });
    t.after(() => running.close());
    return running;
  }

  const folderOf = ({ name }: Service) => join(tmpdir(), `weir-${name}-one`);

  async function leasesOf({ name }: Service): Promise<LeaseObject[]> {
    const labelSelector = `${REPLICA_LABEL}=${name}`;
    return (await platform.client.list<LeaseObject>(Lease, { namespace: RUNTIME, labelSelector }))
      .items;
  }

  it('closes what was opened in reverse order, its own parts before those of all services', async (t) => {
    const closed: string[] = [];
    const service = define(async ({ stack, membership, storageDir }) => {
      for (const part of ['first', 'second']) {
        stack.defer(() => {
          assert.equal(
            membership.healthy(),
            true,
            'the lease is held until the own parts are closed',
          );
          assert.ok(existsSync(storageDir), 'the folder exists until the own parts are closed');
          closed.push(part);
        });
      }
      return {};
    });
    const running = await run(t, service);
    assert.ok(existsSync(folderOf(service)));
    assert.equal((await leasesOf(service)).length, 1);

    await running.close();
    assert.deepEqual(closed, ['second', 'first']);
    assert.deepEqual(await leasesOf(service), []);
    assert.ok(!existsSync(folderOf(service)));
  });

  it('closes everything when its start fails, and rejects with the failure', async () => {
    const closed: string[] = [];
    const service = define(async ({ stack }) => {
      stack.defer(() => void closed.push('own'));
      assert.equal((await leasesOf(service)).length, 1, 'the service has joined');
      throw new Error('the port is taken');
    });
    await assert.rejects(
      platform.start(service, 'one', { 'storage-dir': '' }),
      /^Error: the port is taken$/,
    );
    assert.deepEqual(closed, ['own']);
    assert.deepEqual(await leasesOf(service), []);
    assert.ok(!existsSync(folderOf(service)));
  });

  it('writes the Kubernetes Events that are still under way before it is closed', async (t) => {
    const { client } = platform;
    const namespace = await platform.namespace();
    const object = await client.get(Namespace, { name: namespace });
    const about = { ...object, metadata: { ...object.metadata, namespace } };
    const service = define(async ({ stack, recorder }) => {
      stack.defer(() => {
        for (let n = 0; n < 20; n += 1) {
          recorder.event(about, { severity: 'info', reason: `Closing${n}`, message: 'closes' });
        }
      });
      return {};
    });
    await (await run(t, service)).close();
    const { items } = await client.list(Event, { namespace });
    assert.equal(items.length, 20);
  });

  it('is not ready until it has joined, then while Flux leads, then while its own part is missing', async (t) => {
    const { client, bus, log, tracing } = platform;
    let missing: string | undefined = 'the clock is not wound up';
    const service = define(async () => ({ missing: () => missing }));

    const stranger = await service.start({
      ...{ name: service.name, instance: 'stranger', namespace: RUNTIME, bus, log, tracing },
      client: client.impersonate({ user: 'nobody' }),
      metrics: createMetrics({ service: service.name }),
      settings: createSettings({}),
      signal: new AbortController().signal,
    });
    t.after(() => stranger.close());
    assert.equal(stranger.ready(), 'not a member of the replicas yet');

    const lease: LeaseObject = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: LEADER,
      spec: {
        holderIdentity: 'pod-1',
        leaseDurationSeconds: 3_600,
        renewTime: new Date().toISOString().replace('Z', '000Z'),
      },
    };
    await client.apply(Lease, lease, { fieldManager: 'flux' });
    t.after(() => client.delete(Lease, LEADER));
    const running = await run(t, service);
    const says = (pattern: RegExp) =>
      until(() => pattern.test(String(running.ready())), {
        timeoutMs: WAIT_MS,
        message: `ready() to say ${pattern}`,
      });
    await says(/^Flux's kustomize-controller is at work/);
    await client.apply(
      Lease,
      { ...lease, spec: { ...lease.spec, holderIdentity: '' } },
      { fieldManager: 'flux' },
    );
    await says(/^the clock is not wound up$/);
    missing = undefined;
    assert.equal(running.ready(), true);
  });
});
