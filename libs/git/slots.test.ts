import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { createGitSlots, type GitUser } from './slots.ts';

/** Work that hangs until it is released, and whose beginning is counted by its user. */
function hanging() {
  const begun: string[] = [];
  const release = Promise.withResolvers<void>();
  const work = ({ namespace, host }: GitUser) => {
    return async () => {
      begun.push(`${namespace} ${host}`);
      await release.promise;
    };
  };
  return { begun, release, work };
}

/** All that can begin has begun. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await setImmediate();
}

test('sixty hosts of one tenant that hang leave room for others, and are no sixty processes', async () => {
  const slots = createGitSlots(16);
  const { begun, release, work } = hanging();
  const users = Array.from({ length: 60 }, (_, index) => ({
    namespace: 'attacker',
    host: `host-${index}`,
  }));
  const victim = { namespace: 'victim', host: 'git.example' };
  const running = users.map((user) => slots.ask(user, work(user)));
  await settled();
  assert.equal(begun.length, 12);
  running.push(slots.ask(victim, work(victim)));
  await settled();
  assert.equal(begun.at(-1), 'victim git.example');
  release.resolve();
  await Promise.all(running);
});

test('a host that hangs for many namespaces leaves slots for other hosts', async () => {
  const slots = createGitSlots(16);
  const { begun, release, work } = hanging();
  const users = Array.from({ length: 60 }, (_, index) => ({
    namespace: `ns-${index}`,
    host: 'hangs',
  }));
  const running = users.map((user) => slots.transfer(user, work(user)));
  await settled();
  assert.equal(begun.length, 5);
  for (const ask of [slots.transfer, slots.ask]) {
    const other = { namespace: 'ns-0', host: 'other' };
    running.push(ask(other, work(other)));
    await settled();
    assert.equal(begun.at(-1), 'ns-0 other');
  }
  release.resolve();
  await Promise.all(running);
  assert.equal(begun.length, 62);
});

test('transfers are fewer than questions, and two slots are enough for all', async () => {
  const slots = createGitSlots(2);
  const { begun, release, work } = hanging();
  const users = ['a', 'b', 'c'].map((namespace) => ({ namespace, host: namespace }));
  const running = users.flatMap((user) => [
    slots.transfer(user, work(user)),
    slots.ask(user, work(user)),
  ]);
  await settled();
  assert.equal(begun.length, 2);
  release.resolve();
  await Promise.all(running);
  assert.equal(begun.length, 6);
});
