// What each service may not do in NATS: requests that are made with its login but not by its code.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { errors, type NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { STREAMS } from '@weir/bus';
import { startNats, type TestNats, testBus } from '@weir/bus/testing';
import { natsAuthorization, PASSWORDS, SERVICES } from './testing.ts';

/** Requests of the JetStream API that are about one stream. */
const REQUESTS = [
  'STREAM.CREATE',
  'STREAM.UPDATE',
  'STREAM.DELETE',
  'STREAM.PURGE',
  'STREAM.MSG.GET',
  'STREAM.MSG.DELETE',
  'STREAM.SNAPSHOT',
  'STREAM.RESTORE',
  'STREAM.PEER.REMOVE',
  'STREAM.LEADER.STEPDOWN',
  'DIRECT.GET',
  'CONSUMER.CREATE',
  'CONSUMER.DURABLE.CREATE',
  'CONSUMER.LIST',
  'CONSUMER.NAMES',
] as const;
type Request = (typeof REQUESTS)[number];

const MAKE = ['STREAM.CREATE', 'STREAM.UPDATE'] as const;
const READ = ['STREAM.MSG.GET', 'DIRECT.GET'] as const;

/** The requests that the code of each service makes. All others are refused. */
const ALLOWED: Record<string, Record<string, readonly Request[]>> = {
  source: {
    'weir-artifacts': [...MAKE, ...READ, 'STREAM.PURGE'],
    'weir-blobs': [...MAKE, ...READ, 'STREAM.PURGE', 'CONSUMER.CREATE'],
    'OBJ_weir-objects': [...MAKE, ...READ, 'STREAM.PURGE', 'CONSUMER.CREATE'],
    'weir-events': READ,
  },
  kustomize: {
    'weir-artifacts': ['CONSUMER.CREATE'],
    'weir-blobs': READ,
    'OBJ_weir-objects': [...READ, 'CONSUMER.CREATE'],
    'weir-records': [...MAKE, ...READ, 'STREAM.PURGE'],
  },
  notification: {
    'weir-events': [...MAKE, ...READ, 'CONSUMER.CREATE'],
    'weir-event-bodies': [...MAKE, ...READ],
    'weir-deliveries': [...MAKE, ...READ, 'STREAM.PURGE', 'STREAM.MSG.DELETE', 'CONSUMER.CREATE'],
    'weir-dead-letters': [...MAKE, ...READ, 'STREAM.PURGE', 'STREAM.MSG.DELETE'],
    'weir-groups': [...MAKE, ...READ, 'STREAM.PURGE', 'CONSUMER.CREATE'],
    'weir-outcomes': [...MAKE, ...READ],
    'weir-posts': [...MAKE, ...READ],
    'weir-artifacts': READ,
  },
  'helm-release': {
    'weir-artifacts': ['CONSUMER.CREATE'],
    'weir-blobs': READ,
    'OBJ_weir-objects': [...READ, 'CONSUMER.CREATE'],
  },
  'image-automation': { 'weir-tags': [...MAKE, ...READ, 'STREAM.PURGE'] },
};

/** The subjects under which a service may publish. */
const PUBLISHED: Record<string, readonly string[]> = {
  source: ['weir.artifact', 'weir.blob', '$O.weir-objects.C', 'weir.event'],
  kustomize: ['weir.record', 'weir.event'],
  notification: [
    ...['weir.event', 'weir.event-body', 'weir.delivery', 'weir.dead-letter'],
    ...['weir.group', 'weir.outcome', 'weir.attempt', 'weir.post'],
  ],
  'helm-release': ['weir.event'],
  'image-automation': ['weir.tags', 'weir.event'],
};
const SUBJECTS = [...new Set(Object.values(PUBLISHED).flat())];

describe('a login of a service', () => {
  let nats: TestNats;
  const connections = new Map<string, NatsConnection>();

  before(async () => {
    const admin = 'users: [{ user: admin, password: padmin }';
    const config = (await natsAuthorization()).replace('users: [', `${admin},`);
    nats = await startNats({ config });
    for (const user of SERVICES) {
      const pass = PASSWORDS[user] ?? '';
      const options = { servers: new URL(nats.url).host, inboxPrefix: `_INBOX.${user}` };
      connections.set(user, await connect({ ...options, user, pass }));
    }
  });
  after(async () => {
    await Promise.all([...connections.values()].map((connection) => connection.close()));
    await nats?.close();
  });

  function as(service: string): NatsConnection {
    const connection = connections.get(service);
    assert.ok(connection);
    return connection;
  }

  /** Whether the server accepts a request, whatever the answer is. */
  async function passes(service: string, subject: string, payload = 'x'): Promise<boolean> {
    try {
      await as(service).request(subject, payload, { timeout: 2_000 });
      return true;
    } catch (error) {
      const all = [error, error instanceof Error ? error.cause : undefined];
      if (all.some((one) => one instanceof errors.PermissionViolationError)) return false;
      if (all.some((one) => one instanceof errors.NoRespondersError)) return true;
      if (error instanceof errors.RequestError || error instanceof errors.TimeoutError) return true;
      throw error;
    }
  }

  for (const service of SERVICES) {
    it(`may do with streams what its code does, and no more: ${service}`, async () => {
      const wrong: string[] = [];
      for (const stream of STREAMS) {
        for (const request of REQUESTS) {
          const expected = ALLOWED[service]?.[stream]?.includes(request) ?? false;
          const passed = await passes(service, `$JS.API.${request}.${stream}`);
          if (passed !== expected) wrong.push(`${request} ${stream} ${passed}`);
        }
      }
      assert.deepEqual(wrong, []);
    });

    it(`may publish what is its part, and no more: ${service}`, async () => {
      const passed: string[] = [];
      for (const subject of SUBJECTS) {
        if (await passes(service, `${subject}.test.x.y.z`)) passed.push(subject);
      }
      assert.deepEqual(passed.sort(), [...(PUBLISHED[service] ?? [])].sort());
    });

    it(`may not list streams, look at the system, or read the replies to others: ${service}`, async () => {
      for (const subject of [
        '$JS.API.STREAM.LIST',
        '$JS.API.STREAM.NAMES',
        '$SYS.REQ.ACCOUNT.INFO',
      ])
        assert.equal(await passes(service, subject), false, subject);
      const other = SERVICES.find((name) => name !== service) ?? '';
      for (const subject of ['_INBOX.>', `_INBOX.${other}.>`, 'weir.>', '$JS.API.>', '>']) {
        const refused = Promise.withResolvers<unknown>();
        as(service).subscribe(subject, { callback: (error) => refused.resolve(error) });
        assert.match(String(await refused.promise), /permissions violation/i, subject);
      }
    });
  }

  it('changes nothing with what it tried', async (t) => {
    const servers = nats.url.replace('://', '://admin:padmin@');
    const bus = await testBus(t, servers);
    await bus.ready;
    const event = { id: 'e', source: '/s', type: 't', data: {} };
    const subject = 'weir.event.test.kind.ns.name.Reason';
    bus.publish({ stream: 'weir-events', namespace: 'ns', subject, ...event });
    const delivery = 'weir.delivery.test.ns.alert';
    bus.publish({ stream: 'weir-deliveries', namespace: 'ns', subject: delivery, ...event });
    assert.equal(await bus.flush(5_000), true);

    assert.equal(await passes('kustomize', '$JS.API.STREAM.PURGE.weir-events', '{}'), false);
    const read = JSON.stringify({ last_by_subj: delivery });
    const reader = 'image-automation';
    assert.equal(await passes(reader, '$JS.API.STREAM.MSG.GET.weir-deliveries', read), false);
    assert.equal(await passes(reader, `$JS.API.DIRECT.GET.weir-deliveries.${delivery}`, ''), false);
    assert.equal(await passes('notification', 'weir.artifact.test.x.ns.app', 'forged'), false);

    const jsm = await (await bus.jetstream()).jetstreamManager(false);
    assert.equal((await jsm.streams.info('weir-events')).state.messages, 1);
    assert.equal((await jsm.streams.info('weir-artifacts')).state.messages, 0);
  });
});
