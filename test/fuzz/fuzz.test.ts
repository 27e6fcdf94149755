// A short run of every fuzzer, and that each finds the faults that are planted for it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inputOf, showInput } from './inputs.ts';
import { GENERAL_PLANTS } from './plant.ts';
import { fuzz } from './run.ts';
import { TARGETS } from './targets.ts';

/** How long each target is tried; the command tries them for ten minutes. */
const RUN_MS = 2_500;
/** The longest that a planted fault may stay hidden. */
const HIDDEN_MS = 60_000;
const first = Number(process.env.WEIR_SEED ?? Date.now() % 2 ** 31);

for (const target of TARGETS) {
  describe(target.name, { concurrency: 2 }, () => {
    it('holds for random inputs', async (t) => {
      t.diagnostic(`inputs from ${first} on`);
      const { tried, peakBytes, finding } = await fuzz(target, { forMs: RUN_MS, first });
      t.diagnostic(`${tried} inputs, ${Math.round(peakBytes / 1024 ** 2)} MiB at most`);
      assert.equal(finding && `input ${finding.number}: ${finding.what}`, undefined);
      assert.ok(tried > 0);
    });

    for (const [plant, says] of Object.entries(target.plants)) {
      it(`finds that ${plant}`, async () => {
        const { finding } = await fuzz(target, { forMs: HIDDEN_MS, first, plant });
        assert.match(finding?.what ?? 'nothing was found', says);
      });
    }
  });
}

// How limits are held is the same for all targets: one is enough.
const [target] = TARGETS;
for (const [plant, says] of Object.entries(GENERAL_PLANTS)) {
  it(`a fault that is ${plant} is found`, async () => {
    assert.ok(target);
    const limited = { ...target, limits: { ...target.limits, ms: 2_000 } };
    const { finding } = await fuzz(limited, { forMs: HIDDEN_MS, first, plant });
    assert.match(finding?.what ?? 'nothing was found', says);
  });
}

it('the same number is the same input', () => {
  for (const target of TARGETS) {
    for (const number of [0, 1, first]) {
      assert.equal(showInput(inputOf(target, number)), showInput(inputOf(target, number)));
    }
  }
});
