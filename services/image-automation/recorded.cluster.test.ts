// The cases that were recorded from Flux's image-reflector-controller, played against Weir.
import { after, before, describe, test } from 'node:test';
import { expectationOf, mayMiss } from './testing/differences.ts';
import { type Harness, startHarness } from './testing/harness.ts';
import { caseNames, loadCase } from './testing/recorded/case.ts';
import { playCase } from './testing/recorded/play.ts';
import { type Registries, startRegistries } from './testing/recorded/registries.ts';

describe('recorded cases', { concurrency: 8 }, async () => {
  const stack = new AsyncDisposableStack();
  let harness: Harness;
  let registries: Registries;
  before(async () => {
    registries = await startRegistries(stack);
    harness = await startHarness();
  });
  after(async () => {
    await harness?.close();
    await stack.disposeAsync();
  });

  const names = [...(await caseNames('ir-')), ...(await caseNames('ip-'))];
  for (const name of names) {
    test(name, async () => {
      const namespace = await harness.namespace();
      const prefix = `${namespace}/fx`;
      const standIns: Record<string, string> = {
        ...registries.standIns,
        ...{ NS: namespace, FX: prefix },
      };
      for (const door of ['', 'AUTH', 'TOKEN', 'TLS', 'OTHER']) {
        standIns[`${door}REG`] = `${standIns[`${door}HOST`]}/${prefix}`;
      }
      const recorded = await loadCase(name, standIns, (it) => registries.digestOf(it));
      await playCase(recorded, {
        ...{ harness, registries, namespace, prefix },
        ...{ expect: expectationOf(name), mayMiss },
      });
    });
  }
});
