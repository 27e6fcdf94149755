// Killed before and after each write of install, upgrade, rollback, test and uninstall: the next process goes on or unlocks, and
// storage, objects and status agree again. A test run takes a sample, by a seed; `CRASH_WALK=all` walks every step, and
// `CRASH_WALK=<seed>` repeats a sample.
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, before, test } from 'node:test';
import { type Harness, startHarness } from './testing/harness.ts';
import { openProcesses, type Processes } from './testing/process.ts';
import { type Step, WALKS, type Walk, walks } from './testing/walks.ts';

/** Steps of each walk in a sample. */
const SAMPLE = 3;
/** Writes of the shortest walk, at least. */
const FEWEST_WRITES = 8;
/** The last write that is drawn at first; a walk that ends before it gets an earlier one. */
const LAST_WRITE = 30;

type Name = (typeof WALKS)[number];

let h: Harness;
let processes: Processes;
let all: Record<Name, Walk>;

before(async () => {
  h = await startHarness();
  // This test is the service.
  await h.stop();
  processes = await openProcesses(h);
  all = walks(h, processes);
});
after(async () => {
  await processes?.close();
  await h?.close();
});

const wanted = process.env.CRASH_WALK;
const seed = wanted === undefined || wanted === 'all' ? randomInt(1_000_000) : Number(wanted);

async function walkTo(name: Name, step: Step): Promise<boolean> {
  try {
    return await all[name](step);
  } catch (error) {
    const again = `CRASH_WALK=${wanted === 'all' ? 'all' : seed}`;
    const { message } = error as Error;
    throw new Error(`${name}, died ${step.when} write ${step.at} (${again}): ${message}`, {
      cause: error,
    });
  }
}

/** The same numbers for the same seed. */
function numbers(from: number): () => number {
  let state = from;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Any write of the walk may be drawn. */
async function sample(name: Name, random: () => number): Promise<void> {
  for (let count = 0; count < SAMPLE; count++) {
    const when = random() < 0.5 ? 'before' : 'after';
    const draw = (most: number) => 1 + Math.floor(random() * most);
    let at = draw(LAST_WRITE);
    while (!(await walkTo(name, { when, at }))) {
      assert.ok(at > FEWEST_WRITES, `${name} has no write ${at}`);
      at = draw(at - 1);
    }
  }
}

async function everyStep(name: Name): Promise<void> {
  let steps = 0;
  for (const when of ['before', 'after'] as const) {
    for (let at = 1; await walkTo(name, { at, when }); at++) steps++;
  }
  assert.ok(steps >= 2 * FEWEST_WRITES, `${name}: walked ${steps} steps`);
}

for (const [index, name] of WALKS.entries()) {
  test(`killed at any write: ${name}`, () =>
    wanted === 'all' ? everyStep(name) : sample(name, numbers(seed + index)));
}
