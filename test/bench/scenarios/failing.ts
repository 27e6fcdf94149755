// One app whose health check fails. Measures whether it delays the others, and how soon its own fix arrives.
import { FRAGILE } from '../fleet.ts';
import { spentOn } from '../measure/window.ts';
import type { FleetScenario } from '../scenario.ts';

/** The number of apps, one of which fails. */
const SIZE = 100;

export const failing: FleetScenario = {
  kind: 'fleet',
  name: 'failing',
  about: `commits to all of ${SIZE} apps, one of which does not become healthy`,
  sizes: (asked) => [Math.min(SIZE, Math.max(...asked))],
  async run(trial, { names, commit }) {
    const { apps, progress } = trial;
    const broken = FRAGILE;
    const others = names.filter((name) => name !== broken);
    progress(`commits to all ${apps} apps while one of them fails`);
    const { result, spent } = await spentOn(trial, async () => {
      const healthy = await commit(names, { waitFor: others });
      const first = await commit(names, { waitFor: others, broken: [broken] });
      // The health check of the broken app is still under way when the commit that fixes it arrives.
      const fix = await commit(names, { waitFor: others, apart: [broken] });
      return { healthy, first, fix };
    });
    const { healthy, first, fix } = result;
    const times = {
      'the others, none failing': [healthy.readyMs],
      'the others, one failing': [first.readyMs],
      'the others, the commit behind it': [fix.readyMs],
      'the failing one, fixed by that commit': [fix.apartMs],
    };
    return [
      {
        id: 'failing',
        name: 'one failing health check',
        apps,
        count: 3,
        unit: 'commit',
        times,
        spent,
      },
    ];
  },
};
