// The configuration of NATS that the chart renders, in a real nats-server: each service can do its part, and
// no other's.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { Objm } from '@nats-io/obj';
import { connect } from '@nats-io/transport-node';
import { buildTools, type Cluster, run, startCluster } from '@weir/cluster';
import { type Bus, connectBus, consumeEvents, publishArtifact, readArtifacts } from '@weir/events';
import { createLogger, createMetrics } from '@weir/telemetry';
import { find, render } from './testing.ts';

const SERVICES = ['source', 'kustomize', 'helm-release', 'notification', 'image-automation'];

async function configuration(...values: string[]): Promise<string> {
  const { data } = find(await render(...values), 'ConfigMap', 'weir-nats');
  return Object(data)['nats.conf'];
}

/** What the container's environment gives; digits and an `e` would be read as a number without the letter in front. */
const environment = Object.fromEntries(
  SERVICES.map((name) => [variable(name), `p1e${SERVICES.indexOf(name)}`]),
);

function variable(service: string): string {
  return `NATS_PASSWORD_${service.replaceAll('-', '_').toUpperCase()}`;
}

describe('the configuration of NATS', () => {
  for (const values of [[], ['nats.replicas=3'], ['nats.auth.enabled=false']]) {
    it(`is valid with ${values.join(' ') || 'the defaults'}`, async () => {
      const folder = await mkdtemp(join(tmpdir(), 'weir-chart-'));
      const file = join(folder, 'nats.conf');
      await writeFile(file, await configuration(...values));
      const binary = (await buildTools(['nats-server'])).get('nats-server');
      assert.ok(binary);
      const env = { ...environment, POD_NAME: 'weir-nats-0' };
      const { code, stderr } = await run(binary, ['-t', '-c', file], { env });
      await rm(folder, { recursive: true });
      assert.equal(code, 0, stderr);
    });
  }
});

describe('a service that logs in as itself', () => {
  let cluster: Cluster;
  const buses: Bus[] = [];
  const stopping = new AbortController();
  const log = createLogger({ service: 'chart-test', level: 'error' });

  before(async () => {
    const [, authorization = ''] = (await configuration()).split(/^(?=authorization \{)/m);
    const natsConfig = authorization.replaceAll(
      /\$(NATS_\w+)/g,
      (_, name) => environment[name] ?? '',
    );
    cluster = await startCluster({ nodes: 0, controllerManager: false, natsConfig });
  });
  after(async () => {
    stopping.abort();
    await Promise.all(buses.map((bus) => bus.close()));
    await cluster?.close();
  });

  function urlOf(service: string, password = environment[variable(service)]): string {
    return cluster.natsUrl.replace('://', `://${service}:${password}@`);
  }

  async function busOf(service: string): Promise<Bus> {
    const metrics = createMetrics({ service });
    const bus = await connectBus({
      servers: urlOf(service),
      cluster: 'test',
      name: service,
      log,
      metrics,
    });
    buses.push(bus);
    await bus.ready;
    return bus;
  }

  async function connectionOf(service: string): Promise<NatsConnection> {
    const bus = await busOf(service);
    const connection = bus.nc();
    assert.ok(connection);
    return connection;
  }

  it('needs its password', async () => {
    const { host } = new URL(cluster.natsUrl);
    for (const pass of ['wrong', environment[variable('kustomize')]]) {
      await assert.rejects(
        connect({ servers: host, user: 'source', ...(pass && { pass }), reconnect: false }),
        /authorization/i,
      );
    }
    await assert.rejects(connect({ servers: host, reconnect: false }), /authorization/i);
  });

  it('hands an artifact from source to kustomize', async () => {
    const artifact = {
      digest: 'sha256:aa',
      lastUpdateTime: '2026-01-01T00:00:00Z',
      path: 'a',
      revision: 'main@sha1:bb',
      url: 'http://source/a',
    };
    const identity = { uid: 'u', generation: 1, resourceVersion: '1' };
    const message = { kind: 'GitRepository', namespace: 'apps', name: 'a', ...identity, artifact };
    const source = await busOf('source');
    publishArtifact(source, message);
    assert.equal(await source.flush(10_000), true);

    const kustomize = await busOf('kustomize');
    for await (const reading of readArtifacts(kustomize, { signal: stopping.signal })) {
      assert.deepEqual(reading.message, message);
      break;
    }
  });

  it('hands an event from every service to notification', async () => {
    const wanted = new Set(SERVICES);
    const done = new AbortController();
    const consuming = consumeEvents(await busOf('notification'), {
      durable: 'notification',
      concurrency: 2,
      signal: AbortSignal.any([done.signal, AbortSignal.timeout(20_000)]),
      handle: async ({ reportingController }) => {
        wanted.delete(reportingController);
        if (wanted.size === 0) done.abort();
        return 'ack';
      },
    });
    for (const service of SERVICES) {
      const bus = await busOf(service);
      bus.publish(eventOf(service));
      assert.equal(await bus.flush(10_000), true);
    }
    await consuming;
    assert.deepEqual([...wanted], []);
  });

  it('keeps archives as source and reads them as kustomize', async () => {
    const source = await new Objm(await connectionOf('source')).create('archives');
    await source.putBlob({ name: 'a' }, new Uint8Array([1, 2, 3]));
    const kustomize = await new Objm(await connectionOf('kustomize')).open('archives');
    assert.deepEqual(Buffer.from((await kustomize.getBlob('a')) ?? []), Buffer.from([1, 2, 3]));
  });

  for (const service of ['kustomize', 'helm-release', 'notification', 'image-automation']) {
    it(`cannot hand out an artifact as ${service}`, async () => {
      const connection = await connectionOf(service);
      const publishing = jetstream(connection).publish('weir.artifact.test.x.y.z', 'forged');
      await assert.rejects(publishing, /permissions violation/i);
      const { state } = await (await jetstreamManager(connection)).streams.info('artifacts', {
        subjects_filter: 'weir.artifact.test.x.y.z',
      });
      assert.equal(state.subjects, undefined);
    });
  }

  it('cannot listen to what others publish', async () => {
    const connection = await connectionOf('notification');
    const refused = Promise.withResolvers<Error | undefined>();
    connection.subscribe('weir.artifact.>', {
      callback: (error) => refused.resolve(error ?? undefined),
    });
    assert.match(String(await refused.promise), /permissions violation/i);
  });
});

function eventOf(service: string) {
  const involvedObject = {
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'GitRepository',
    namespace: 'apps',
    name: 'a',
    uid: 'u',
  };
  return {
    stream: 'events' as const,
    subject: `weir.event.test.GitRepository.apps.a.${service}`,
    id: service,
    type: 'weir.event',
    source: '/clusters/test',
    data: {
      involvedObject,
      severity: 'info',
      timestamp: '2026-01-01T00:00:00Z',
      message: 'hello',
      reason: 'Test',
      reportingController: service,
      reportingInstance: 'x',
    },
  };
}
