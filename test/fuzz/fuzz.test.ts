// A short run of every fuzzer, and that each finds the faults that are planted for it. They have a minute, all together.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { buildDecryptor, buildEngine } from '@weir/render';
import { inputOf, showInput } from './inputs.ts';
import { GENERAL_PLANTS } from './plant.ts';
import { CLOSING_MS, type FuzzResult, fuzz } from './run.ts';
import { kubeconfigs } from './targets/kubeconfigs.ts';
import { type AnyTarget, TARGETS } from './targets.ts';

/** How long all fuzzers may take together, planted faults included, and not the programs that are built before. */
const ALL_MS = 60_000;
/** How long each target is tried in earnest; the command tries them for ten minutes. */
const RUN_MS = 2_500;
const first = Number(process.env.WEIR_SEED ?? Date.now() % 2 ** 31);
const NOTHING = 'nothing was found';
/** The target that is opened fastest, for tests of what all targets share. */
const light = kubeconfigs as unknown as AnyTarget;

let startedAt = 0;
/** Two run at a time; the last of them closes after that, and is looked at now and then. */
const endsAt = () => startedAt + ALL_MS - 2 * CLOSING_MS;

describe('fuzzers', { concurrency: 2 }, () => {
  before(async () => {
    await Promise.all([buildEngine(), buildDecryptor()]);
    startedAt = performance.now();
  });

  for (const target of TARGETS) {
    describe(target.name, () => {
      let run: Promise<FuzzResult> | undefined;
      const plants = Object.keys(target.plants);
      // One process for all that is tried with a target: to start one costs more than to find what is planted.
      const ran = () => {
        run ??= fuzz(target, { forMs: RUN_MS, first, plants, endsAt: endsAt() });
        return run;
      };

      for (const [plant, says] of Object.entries(target.plants)) {
        it(`finds that ${plant}`, async () => {
          assert.match((await ran()).planted.get(plant) ?? NOTHING, says);
        });
      }

      it('holds for random inputs', async (t) => {
        t.diagnostic(`inputs from ${first} on`);
        const { tried, peakBytes, finding } = await ran();
        t.diagnostic(`${tried} inputs, ${Math.round(peakBytes / 1024 ** 2)} MiB at most`);
        assert.equal(finding && `input ${finding.number}: ${finding.what}`, undefined);
        assert.ok(tried > 0);
      });
    });
  }

  // Limits work the same for all targets.
  for (const [general, says] of Object.entries(GENERAL_PLANTS)) {
    it(`a fault that is ${general} is found`, async () => {
      const limited = { ...light, limits: { ...light.limits, ms: 2_000 } };
      const options = { forMs: ALL_MS, first, general, endsAt: endsAt() };
      const { finding } = await fuzz(limited, options);
      assert.match(finding?.what ?? NOTHING, says);
    });
  }

  it('a planted fault that is not found is missing when the time is over', async () => {
    const now = performance.now();
    const [plant = ''] = Object.keys(light.plants);
    const plants = [plant, 'a fault that nobody has'];
    const { planted, finding } = await fuzz(light, {
      ...{ forMs: ALL_MS, first, plants, endsAt: Math.min(now + 5_000, endsAt()) },
    });
    assert.ok(performance.now() - now < 5_000 + 2 * CLOSING_MS);
    assert.deepEqual([...planted.keys()], [plant]);
    assert.equal(finding, undefined);
  });
});

it('all fuzzers take no longer than a minute together', () => {
  assert.ok(startedAt > 0);
  const took = performance.now() - startedAt;
  assert.ok(took <= ALL_MS, `${Math.round(took)} ms`);
});

it('the same number is the same input', () => {
  for (const target of TARGETS) {
    for (const number of [0, 1, first]) {
      assert.equal(showInput(inputOf(target, number)), showInput(inputOf(target, number)));
    }
  }
});
