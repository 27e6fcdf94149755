// Events of other components up to Flux's bound, from their request to the receiver of the message.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type Harness, NAMESPACE, type Replica, startHarness } from './testing/harness.ts';

const MIB = 1024 ** 2;
const GROUP = 'kustomize.toolkit.fluxcd.io';
const INVOLVED = { apiVersion: `${GROUP}/v1`, kind: 'Kustomization', namespace: NAMESPACE };

/** The body of an event about a Kustomization, with exactly this many bytes. */
function bodyOf(bytes: number, name: string): string {
  const event = {
    involvedObject: { ...INVOLVED, name, uid: `uid-of-${name}` },
    severity: 'info',
    timestamp: '2026-01-02T03:04:05Z',
    message: '',
    reason: 'Progressing',
    metadata: { [`${GROUP}/revision`]: 'r1' },
    reportingController: 'another-controller',
    reportingInstance: 'another-controller-0',
  };
  const room = bytes - Buffer.byteLength(JSON.stringify(event));
  const line = 'one of many lines ';
  event.message = `${line.repeat(Math.ceil(room / line.length)).slice(0, room - 3)}end`;
  return JSON.stringify(event);
}

describe('an event of another component', () => {
  let on: Harness;
  let replica: Replica;
  before(async () => {
    on = await startHarness();
    replica = await on.start();
  });
  after(() => on?.close());
  beforeEach(() => on.reset());

  async function post(body: string): Promise<number> {
    const port = replica.running.ports?.().events;
    const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body });
    return answer.status;
  }

  it('of 3 MiB reaches a webhook whole and people shortened, and one byte more is refused', async () => {
    await on.provider('hook', { type: 'generic', address: `${on.chat.url}/hook` });
    await on.provider('chat', { type: 'rocket', channel: 'ops', address: `${on.chat.url}/chat` });
    await on.alert('hook');
    await on.alert('chat');
    await on.known(replica);
    assert.equal(await post(bodyOf(3 * MIB + 1, 'over')), 413);
    const body = bodyOf(3 * MIB, 'large');
    assert.equal(await post(body), 202);
    assert.equal(await post(body), 429, 'a repetition is known by all of it');
    assert.equal(await post(body.replace('end"', 'END"')), 202, 'another end');
    const hooks = await on.arrived('/hook', 2);
    const sent = JSON.parse(body);
    const ends = hooks.map((hook) => {
      const { message, metadata, ...others } = JSON.parse(hook.body);
      assert.equal(message.length, sent.message.length);
      assert.equal(message.toLowerCase(), sent.message.toLowerCase());
      assert.deepEqual(metadata, { revision: 'r1' });
      assert.deepEqual(others.involvedObject, sent.involvedObject);
      assert.ok(!('aside' in others));
      return message.slice(-3);
    });
    assert.deepEqual(ends, ['end', 'END'], 'in their order');
    const [chat] = await on.arrived('/chat', 2);
    assert.ok(chat !== undefined && chat.body.length < 100_000);
  });
});
