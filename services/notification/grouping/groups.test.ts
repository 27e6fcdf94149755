import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { openQueue, SubjectConflict } from '@weir/bus';
import { startNats, testBus } from '@weir/bus/testing';
import { eventOf } from '../testing/fixtures.ts';
import { failureClass } from './class.ts';
import { createGroups, type Groups } from './groups.ts';
import { parseGroup } from './record.ts';
import { createGroupShare } from './share.ts';
import { groupSubject } from './subjects.ts';

const alert = { namespace: 'flux-system', name: 'chat', uid: 'alert-uid' };
let sequence = 0;

async function setup(t: TestContext, share = 1_000) {
  const nats = await startNats();
  t.after(() => nats.close());
  const open = async () => {
    const bus = await testBus(t, nats.url);
    await bus.ready;
    const queue = openQueue({ bus, stream: 'weir-groups', log: bus.log });
    const shares = createGroupShare({ cluster: 'test', share, queue });
    return { queue, groups: createGroups({ cluster: 'test', queue, share: shares, log: bus.log }) };
  };
  return { nats, open, ...(await open()) };
}

const failed = (name: string, message = 'no such file') =>
  eventOf({ name }, { severity: 'error', reason: 'BuildFailed', message });
const fail = (groups: Groups, name: string, message?: string, id?: string) => {
  sequence += 1;
  const of = { sequence, id: id ?? `e${sequence}` };
  return groups.failed({ alert, of, event: failed(name, message) });
};
const recover = (groups: Groups, name: string) =>
  groups.recovered({ alert, event: eventOf({ name }) });
const CLASS = failureClass(failed('a'));

it('remembers what fails alike, whatever replica sees it, until it is well', async (t) => {
  const { groups, queue, open } = await setup(t);
  const other = (await open()).groups;
  const find = async () =>
    parseGroup((await queue.newest(groupSubject('test', alert, CLASS)))?.event?.data);
  await Promise.all(
    Array.from({ length: 40 }, (_, i) => fail(i % 2 === 0 ? groups : other, `app${i}`)),
  );
  assert.equal((await groups.members(alert, CLASS)).length, 40);
  assert.equal(await fail(other, 'app0'), true, 'a repeated failure');
  assert.equal((await groups.members(alert, CLASS)).length, 40);
  const results = await Promise.all(
    Array.from({ length: 39 }, (_, i) => recover(i % 2 === 0 ? other : groups, `app${i}`)),
  );
  assert.ok(results.every(Boolean));
  assert.equal(await recover(groups, 'app0'), false, 'well already');
  const group = await find();
  assert.deepEqual([group?.recovered, group?.moved, group?.most], [true, undefined, 40]);
  assert.equal(await fail(groups, 'app39', 'permission denied'), true);
  assert.equal((await find())?.moved, true);
  assert.equal((await groups.members(alert, CLASS)).length, 0);
  assert.equal(
    (await groups.members(alert, failureClass(failed('a', 'permission denied')))).length,
    1,
  );
  await groups.forget(alert);
  assert.equal((await queue.counts('weir.group.>')).size, 0);
});

it('keeps what changed while a message was made', async (t) => {
  const { groups, queue } = await setup(t);
  const subject = groupSubject('test', alert, CLASS);
  const find = async () => {
    const message = await queue.newest(subject);
    const group = parseGroup(message?.event?.data) ?? assert.fail('no group');
    return { group, sequence: message?.sequence ?? 0 };
  };
  const sent = (count: number) => ({
    sent: { atMs: 1, count, messages: 1, message: 1 },
    most: count,
  });
  await fail(groups, 'a');
  const before = await find();
  // Two more fail after the message of one was made: the group is known to have changed already, so they write nothing.
  await fail(groups, 'b');
  await fail(groups, 'c');
  await groups.sent(alert, CLASS, { ...before.group, ...sent(1) }, before.sequence);
  const after = await find();
  assert.equal(after.group.sent?.count, 1);
  assert.notEqual(after.group.joinedMs, undefined, 'what joined is still to be sent');
  // One is well while the next message is under way.
  await recover(groups, 'b');
  await groups.sent(alert, CLASS, { ...after.group, ...sent(3) }, after.sequence);
  const last = await find();
  assert.deepEqual([last.group.recovered, last.group.sent?.count], [true, 3]);
  assert.notEqual(last.group.leftMs, undefined);
  // One object fails again while the last message, that all have recovered, is being sent.
  await recover(groups, 'a');
  await recover(groups, 'c');
  const end = await find();
  await fail(groups, 'd');
  await groups.close(end.group, CLASS, end.sequence);
  const anew = await find();
  assert.notEqual(anew.group.id, end.group.id);
  assert.equal(anew.group.sent, undefined, 'nothing was said of what failed after the end');
  // An object that has recovered writes this once more after it left, when the last message may have been sent.
  await groups.sent(alert, CLASS, { ...anew.group, ...sent(1) }, anew.sequence);
  await recover(groups, 'd');
  const over = await find();
  const again = { ...over.group, leftMs: 2 };
  await queue.publish({ subject, id: 'again', type: 'weir.group', source: '/t', data: again });
  await groups.close(over.group, CLASS, over.sequence);
  assert.equal(await queue.newest(subject), undefined);
});

it('takes a failure in once more whose first time was cut off', async (t) => {
  const { groups, queue } = await setup(t);
  await fail(groups, 'a', undefined, 'e-one');
  // Killed between the object and its group.
  await queue.removeAll(groupSubject('test', alert, CLASS));
  await fail(groups, 'a', undefined, 'e-one');
  assert.notEqual(await queue.newest(groupSubject('test', alert, CLASS)), undefined);
});

it('has bounds for groups, for objects and for others who write', async (t) => {
  const { groups, queue } = await setup(t, 60);
  const words = (i: number) =>
    `wrong ${String.fromCharCode(97 + (i % 26))}${'x'.repeat(Math.floor(i / 26))}`;
  for (let i = 0; i < 55; i++) await fail(groups, `app${i}`, words(i));
  const open = await queue.counts('weir.group.*.*.*.g.*');
  assert.equal(open.size, 51, 'fifty, and one for all others');
  assert.equal(await fail(groups, 'app55'), true);
  for (let i = 56; i < 60; i++) assert.equal(await fail(groups, `app${i}`), true);
  assert.equal(await fail(groups, 'one too many'), false, 'it is sent on its own');
  const subject = groupSubject('test', alert, CLASS);
  const item = { subject, type: 't', source: '/t', data: {} };
  await assert.rejects(queue.publish({ ...item, id: 'x', after: 1 }), SubjectConflict);
});
