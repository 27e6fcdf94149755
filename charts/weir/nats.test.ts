// The NATS configuration that the chart renders, in a real nats-server: each service can do its work.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connect } from '@nats-io/transport-node';
import {
  type ArtifactStore,
  createStore,
  publishArtifact,
  purgeArtifact,
  readArtifacts,
} from '@weir/artifact';
import { packInMemory, putArtifact } from '@weir/artifact/testing';
import { type Bus, connectBus, openValues, streamsOf } from '@weir/bus';
import { startNats, type TestNats } from '@weir/bus/testing';
import { consumeEvents } from '@weir/events';
import { createLogger, createMetrics, type Logger } from '@weir/telemetry';
import { natsAuthorization, PASSWORDS } from './testing.ts';

/** The services that use NATS in this test. */
const SERVICES = ['source', 'kustomize', 'notification'];

describe('a service that logs in as itself', () => {
  let nats: TestNats;
  let folder: string;
  const buses = new Map<string, Bus>();
  const stopping = new AbortController();
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const log = createLogger({ service: 'chart-test', level: 'warn', destination });

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'weir-chart-'));
    nats = await startNats({ config: await natsAuthorization() });
    // All log in at once, as pods start at once: some wait for the streams of others.
    for (const service of SERVICES) buses.set(service, await login(service, log));
    await Promise.all([...buses.values()].map(({ ready }) => ready));
  });
  after(async () => {
    stopping.abort();
    await Promise.all([...buses.values()].map((bus) => bus.close()));
    await nats?.close();
    await rm(folder, { recursive: true, force: true });
  });

  function login(service: string, logger: Logger): Promise<Bus> {
    const metrics = createMetrics({ service });
    const servers = nats.url.replace('://', `://${service}:${PASSWORDS[service]}@`);
    const identity = { cluster: 'test', name: service, service };
    return connectBus({ servers, ...identity, log: logger, metrics });
  }

  function busOf(service: string): Bus {
    const bus = buses.get(service);
    assert.ok(bus);
    return bus;
  }

  const unlimited = { maxCacheBytes: 1e8, log };

  function storeOf(service: string): ArtifactStore {
    const dir = join(folder, service);
    return createStore({ bus: busOf(service), dir, ...unlimited });
  }

  it('needs its password', async () => {
    const { host } = new URL(nats.url);
    for (const pass of ['wrong', PASSWORDS.kustomize]) {
      await assert.rejects(
        connect({ servers: host, user: 'source', ...(pass && { pass }), reconnect: false }),
        /authorization/i,
      );
    }
    await assert.rejects(connect({ servers: host, reconnect: false }), /authorization/i);
  });

  it('makes its own streams', async () => {
    for (const service of SERVICES) {
      const jsm = await (await busOf(service).jetstream()).jetstreamManager(false);
      for (const stream of streamsOf(service)) {
        assert.equal((await jsm.streams.info(stream)).config.name, stream);
      }
    }
  });

  it('announces an artifact as source, which kustomize reads, and takes it back', async () => {
    const artifact = { digest: `sha256:${'a'.repeat(64)}`, revision: 'main@sha1:bb' };
    const ref = { kind: 'GitRepository', namespace: 'apps', name: 'a' };
    const message = { ...ref, uid: 'u', resourceVersion: '1', artifact };
    const source = busOf('source');
    publishArtifact(source, message);
    assert.equal(await source.flush(10_000), true);
    const { signal } = stopping;
    for (const kinds of [undefined, ['GitRepository'], ['GitRepository', 'Bucket']]) {
      const reading = readArtifacts(busOf('kustomize'), { signal, ...(kinds && { kinds }) });
      for await (const { message: read } of reading) {
        assert.deepEqual(read, message);
        break;
      }
    }
    purgeArtifact(source, ref);
    assert.equal(await source.flush(10_000), true);
  });

  it('hands an event from every service to notification', async () => {
    const wanted = new Set(SERVICES);
    const done = new AbortController();
    const consuming = consumeEvents(busOf('notification'), {
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
      const bus = busOf(service);
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
      const ours = storeOf('source');
      await putArtifact(ours, packed, 'apps');
      const theirs = storeOf('kustomize');
      assert.deepEqual(await readFile(await theirs.file(packed.digest)), packed.bytes);
      const forged = await packInMemory([{ path: 'b', mode: 0o644, content }]);
      const forger = await login('kustomize', createLogger({ service: 'forger', level: 'silent' }));
      await forger.ready;
      const forging = createStore({ bus: forger, dir: join(folder, 'forged'), ...unlimited });
      await assert.rejects(putArtifact(forging, forged), /permissions violation/i);
      await forger.close();
      assert.equal((await ours.list()).length, 1);
      await ours.remove(packed.digest);
      assert.equal(await ours.has(packed.digest), false);
    });
  }

  it('saves what kustomize last built, and removes it', async () => {
    const subject = 'weir.record.test.kustomization.u';
    const values = openValues({ bus: busOf('kustomize'), stream: 'weir-records' });
    await values.put(subject, 'built');
    assert.equal((await values.get(subject))?.string(), 'built');
    await values.remove(subject);
    assert.equal(await values.get(subject), undefined);
  });

  it('was refused nothing that it needs', () => {
    assert.deepEqual(
      lines.filter((line) => /permissions violation/i.test(line)),
      [],
    );
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
    stream: 'weir-events' as const,
    namespace: 'apps',
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
