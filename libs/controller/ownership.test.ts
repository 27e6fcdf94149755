import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NotOwner } from './membership.ts';
import { createFakeClock, type FakeClock } from './testing/clock.ts';
import { createModel, LEASE_MS, type ModelReplica, seeded } from './testing/replica-model.ts';

const keys = Array.from({ length: 40 }, (_, n) => `Kustomization/team-${n % 3}/app-${n}`);

const owners = (replicas: ModelReplica[], key: string) =>
  replicas.filter((one) => !one.asleep && one.ownership.owns(key)).map(({ identity }) => identity);

function assertNoneTwice(replicas: ModelReplica[], when: string) {
  for (const key of keys) {
    const found = owners(replicas, key);
    assert.ok(found.length <= 1, `${key} is owned by ${found.join(' and ')} ${when}`);
  }
}

const isShared = (replicas: ModelReplica[]) =>
  keys.every((key) => owners(replicas, key).length === 1);

/** Moves time in steps of 20 ms, checks the invariant at each, and returns how long it took until `done`, in ms. */
async function watch(
  clock: FakeClock,
  replicas: ModelReplica[],
  ms: number,
  done: () => boolean = () => false,
): Promise<number> {
  for (let passed = 0; passed < ms; passed += 20) {
    if (done()) return passed;
    await clock.advance(20);
    assertNoneTwice(replicas, `at ${clock.now()}`);
  }
  return ms;
}

test('a lone replica owns everything at once', async () => {
  const clock = createFakeClock();
  const model = createModel(clock, seeded(1), 0);
  const one = model.add('one');
  const took = await watch(clock, model.replicas, LEASE_MS, () => isShared(model.replicas));
  assert.ok(took < 1_000, `${took} ms`);
  assert.deepEqual(one.ownership.members(), ['one']);
});

test('a second one has its share as soon as the first has seen it, without waiting for a lease', async () => {
  const clock = createFakeClock();
  const model = createModel(clock, seeded(2), 0);
  const one = model.add('one');
  await watch(clock, model.replicas, LEASE_MS);
  const two = model.add('two');
  const settled = () => two.ownership.isSafe() && isShared(model.replicas);
  const took = await watch(clock, model.replicas, LEASE_MS, settled);
  // The model makes no extra rounds for watch events: the first replica acknowledges the second at its next renewal.
  assert.ok(took < LEASE_MS / 2, `${took} ms`);
  assert.ok(
    keys.some((key) => one.ownership.owns(key)) && keys.some((key) => two.ownership.owns(key)),
  );
});

test('the keys of a replica that leaves are taken over when its release is known', async () => {
  const clock = createFakeClock();
  const model = createModel(clock, seeded(3), 0);
  const one = model.add('one');
  const two = model.add('two');
  await watch(clock, model.replicas, LEASE_MS);
  void two.leave();
  const took = await watch(clock, model.replicas, LEASE_MS, () => isShared([one]));
  assert.ok(took < 1_000, `${took} ms`);
  assert.equal(model.leases.size, 1);
});

test('the keys of a replica that vanished wait until its lease is surely over', async () => {
  const clock = createFakeClock();
  const model = createModel(clock, seeded(4), 0);
  const one = model.add('one');
  const two = model.add('two');
  await watch(clock, model.replicas, LEASE_MS);
  two.cutOff = true;
  await watch(clock, model.replicas, LEASE_MS * 0.4);
  assert.ok(
    keys.some((key) => two.ownership.owns(key)),
    'it acts while its lease is safe',
  );
  const took = await watch(clock, model.replicas, LEASE_MS * 2, () => isShared([one]));
  assert.ok(took > 0 && took < LEASE_MS, `${took} ms`);
  assert.equal(two.ownership.isSafe(), false);
  for (const key of keys) assert.throws(() => two.ownership.guard(key), NotOwner);
});

test('a machine that slept through its lease does nothing when it wakes', async () => {
  const clock = createFakeClock();
  const model = createModel(clock, seeded(5), 0);
  const one = model.add('one');
  const two = model.add('two');
  await watch(clock, model.replicas, LEASE_MS);
  two.asleep = true;
  await watch(clock, model.replicas, LEASE_MS * 3, () => isShared([one]));
  two.asleep = false;
  assertNoneTwice(model.replicas, 'on waking');
  await watch(clock, model.replicas, LEASE_MS * 2, () => two.ownership.isSafe());
  assert.ok(two.ownership.isSafe() && isShared(model.replicas));
});

test('a Lease that was deleted from outside is created again', async () => {
  const clock = createFakeClock();
  const model = createModel(clock, seeded(6), 0);
  const one = model.add('one');
  await watch(clock, model.replicas, LEASE_MS);
  model.leases.clear();
  await watch(clock, model.replicas, LEASE_MS, () => model.leases.size > 0 && isShared([one]));
  assert.ok(isShared([one]));
});

test('subscribers are called when ownership begins, moves and ends', async () => {
  const clock = createFakeClock();
  const model = createModel(clock, seeded(7), 0);
  const one = model.add('one');
  const changes: string[] = [];
  one.ownership.onChange(() => {
    changes.push(`${one.ownership.isSafe()} ${one.ownership.members()}`);
  });
  await watch(clock, model.replicas, LEASE_MS);
  model.add('two');
  await watch(clock, model.replicas, LEASE_MS);
  one.cutOff = true;
  await watch(clock, model.replicas, LEASE_MS);
  assert.deepEqual(changes.slice(0, 3), ['false one', 'true one', 'true one,two']);
  assert.ok(changes.slice(3).includes('false one,two'), changes.join('; '));
});

const SEEDS = Number(process.env.WEIR_SEEDS ?? 40);

for (const trouble of [0.05, 0.3]) {
  test(`no key is ever owned twice, and each one once in the end (${trouble * 100} % trouble)`, async () => {
    for (let seed = 1; seed <= SEEDS; seed += 1) await live(seed, trouble);
  });
}

/** Simulates some minutes of up to five replicas that join, leave, sleep and lose their connection at random. */
async function live(seed: number, trouble: number) {
  const clock = createFakeClock();
  const chance = seeded(seed);
  const model = createModel(clock, chance, trouble);
  const { replicas } = model;
  const when = (what: string) => `after ${what} (seed ${seed})`;
  for (let n = 0; n < 40; n += 1) {
    const here = replicas.filter((one) => !one.gone);
    const one = here[Math.floor(chance() * here.length)];
    const dice = chance();
    if (!one || (dice < 0.15 && here.length < 5)) model.add(`replica-${replicas.length}`);
    else if (dice < 0.25) void one.leave();
    else if (dice < 0.45) one.cutOff = !one.cutOff;
    else if (dice < 0.6) one.asleep = !one.asleep;
    for (let step = 0; step < 40; step += 1) {
      await clock.advance(chance() * 200);
      assertNoneTwice(replicas, when(`step ${n}.${step}`));
    }
  }
  const here = replicas.filter((one) => !one.gone);
  if (here.length === 0) return;
  model.heal();
  assertNoneTwice(replicas, when('healing'));
  for (let n = 0; n < 400 && !isShared(here); n += 1) {
    await clock.advance(200);
    assertNoneTwice(replicas, when('healing'));
  }
  assert.ok(isShared(here), `not everything has an owner (seed ${seed})`);
}
