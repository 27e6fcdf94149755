// The configuration of NATS that the chart renders, in a real nats-server: each service can do its part, and
// no other's.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { type ArtifactStore, createStore, publishArtifact, readArtifacts } from '@weir/artifact';
import { packInMemory, putArtifact } from '@weir/artifact/testing';
import { type Bus, connectBus, openValues } from '@weir/bus';
import { buildTools, type Cluster, run, startCluster } from '@weir/cluster';
import { consumeEvents } from '@weir/events';
import { createLogger, createMetrics } from '@weir/telemetry';
import {
  NATS_ENVIRONMENT,
  natsAuthorization,
  natsConfiguration,
  PASSWORDS,
  SERVICES,
} from './testing.ts';

describe('the configuration of NATS', () => {
  for (const values of [[], ['nats.replicas=3'], ['nats.auth.enabled=false']]) {
    it(`is valid with ${values.join(' ') || 'the defaults'}`, async () => {
      const folder = await mkdtemp(join(tmpdir(), 'weir-chart-'));
      const file = join(folder, 'nats.conf');
      await writeFile(file, await natsConfiguration(...values));
      const binary = (await buildTools(['nats-server'])).get('nats-server');
      assert.ok(binary);
      const env = { ...NATS_ENVIRONMENT, POD_NAME: 'weir-nats-0' };
      const { code, stderr } = await run(binary, ['-t', '-c', file], { env });
      await rm(folder, { recursive: true });
      assert.equal(code, 0, stderr);
    });
  }
});

describe('a service that logs in as itself', () => {
  let cluster: Cluster;
  let folder: string;
  const buses: Bus[] = [];
  const stopping = new AbortController();
  const log = createLogger({ service: 'chart-test', level: 'error' });

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'weir-chart-'));
    const natsConfig = await natsAuthorization();
    cluster = await startCluster({ nodes: 0, controllerManager: false, natsConfig });
  });
  after(async () => {
    stopping.abort();
    await Promise.all(buses.map((bus) => bus.close()));
    await cluster?.close();
    await rm(folder, { recursive: true, force: true });
  });

  function urlOf(service: string, password = PASSWORDS[service]): string {
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

  function storeOf(bus: Bus): ArtifactStore {
    const dir = join(folder, String(buses.indexOf(bus)));
    return createStore({ bus, dir, maxCacheBytes: 1e8, log });
  }

  async function connectionOf(service: string): Promise<NatsConnection> {
    const bus = await busOf(service);
    const connection = bus.nc();
    assert.ok(connection);
    return connection;
  }

  it('needs its password', async () => {
    const { host } = new URL(cluster.natsUrl);
    for (const pass of ['wrong', PASSWORDS.kustomize]) {
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

  for (const [size, bytes] of [
    ['small', 10],
    ['large', 5_000_000],
  ] as const) {
    it(`keeps a ${size} archive as source, which kustomize reads and cannot write`, async () => {
      const content = randomBytes(bytes);
      const packed = await packInMemory([{ path: 'a', mode: 0o644, content }]);
      await putArtifact(storeOf(await busOf('source')), packed);
      const theirs = storeOf(await busOf('kustomize'));
      assert.deepEqual(await readFile(await theirs.file(packed.digest)), packed.bytes);
      const forged = await packInMemory([{ path: 'b', mode: 0o644, content }]);
      await assert.rejects(putArtifact(theirs, forged), /permissions violation/i);
    });
  }

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

  it('keeps what kustomize last applied, which only kustomize may say', async () => {
    const subject = 'weir.record.test.kustomization.u';
    const stream = { name: 'records', subjects: ['weir.record.>'] };
    const log = createLogger({ service: 'test', level: 'fatal' });
    const valuesOf = async (service: string) =>
      openValues({ bus: await busOf(service), stream, log });
    const own = await valuesOf('kustomize');
    await own.put(subject, 'applied');
    const forging = (await valuesOf('helm-release')).put(subject, 'forged');
    await assert.rejects(forging, /permissions violation/i);
    assert.equal((await own.get(subject))?.string(), 'applied');
  });

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
