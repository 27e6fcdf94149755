// Objects of a group that recover, or are deleted, without an event that says so.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Kustomization } from '@weir/api';
import { openQueue } from '@weir/bus';
import { createLogger } from '@weir/telemetry';
import { failureClass } from './grouping/class.ts';
import { CHECK_MS } from './grouping/due.ts';
import { createGroups } from './grouping/groups.ts';
import { parseGroup } from './grouping/record.ts';
import { createFindRecovered } from './grouping/recovered.ts';
import { createGroupShare } from './grouping/share.ts';
import { groupSubject } from './grouping/subjects.ts';
import { eventOf } from './testing/fixtures.ts';
import { type Harness, NAMESPACE, startHarness } from './testing/harness.ts';

const log = createLogger({ service: 'test', level: 'silent' });
const alert = { namespace: NAMESPACE, name: 'chat', uid: 'alert-uid' };
const failed = (name: string) =>
  eventOf(
    { namespace: NAMESPACE, name },
    { severity: 'error', reason: 'BuildFailed', message: 'no such file' },
  );
const CLASS = failureClass(failed('any'));

describe('a group whose objects say nothing', () => {
  let on: Harness;
  before(async () => {
    on = await startHarness();
    // The service makes the streams.
    await on.start();
  });
  after(() => on?.close());

  async function kustomization(name: string, ready: 'True' | 'False'): Promise<void> {
    const spec = { interval: '1h', prune: true, sourceRef: { kind: 'GitRepository', name: 'x' } };
    await on.apply(Kustomization, name, { spec });
    const lastTransitionTime = '2026-01-02T03:04:05Z';
    const condition = { type: 'Ready', status: ready, reason: 'Test', message: 'm' };
    const status = { conditions: [{ ...condition, lastTransitionTime }] };
    const ref = { namespace: NAMESPACE, name };
    await on.client.patch(Kustomization, ref, { status }, { kind: 'merge', subresource: 'status' });
  }

  it('loses those that are well or gone, after a while, and keeps the others', async () => {
    await kustomization('well', 'True');
    await kustomization('ill', 'False');
    // The cluster's name isn't that of the service, which removes the groups of an alert that doesn't exist.
    const cluster = 'another';
    const queue = openQueue({ bus: on.bus, stream: 'weir-groups', log });
    const share = createGroupShare({ cluster, share: 1_000, queue });
    const groups = createGroups({ cluster, queue, share, log });
    for (const [index, name] of ['well', 'ill', 'gone'].entries()) {
      const of = { sequence: index + 1, id: `e${index}` };
      assert.ok(await groups.failed({ alert, of, event: failed(name) }));
    }
    let now = 0;
    const { client } = on;
    const findRecovered = createFindRecovered({ client, queue, groups, now: () => now });
    const subject = groupSubject(cluster, alert, CLASS);
    const members = () => groups.members(alert, CLASS);
    const look = async () => {
      const group = parseGroup((await queue.newest(subject))?.event?.data);
      assert.ok(group !== undefined);
      await findRecovered(subject, group, await members());
    };
    await look();
    now += CHECK_MS - 1;
    await look();
    assert.equal((await members()).length, 3, 'the API server is not asked all the time');
    now += 1;
    await look();
    const left = await members();
    assert.equal(left.length, 1);
    assert.match(left[0] ?? '', /\.ill$/);
  });
});
