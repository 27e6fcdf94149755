// Objects are edited and deleted by hand at random, and the system restores them.
import { disturbApps, EDIT_COUNT } from '../disturbances.ts';
import { spentOn } from '../measure/window.ts';
import type { FleetScenario } from '../scenario.ts';
import { SHORT_INTERVAL } from './idle.ts';

export const drift: FleetScenario = {
  kind: 'fleet',
  name: 'drift',
  about: `${EDIT_COUNT} edits and deletions by hand, at an interval of ${SHORT_INTERVAL}`,
  sizes: (asked) => [...asked],
  async run(trial, fleet) {
    const { apps, progress } = trial;
    progress(`intervals of ${SHORT_INTERVAL}`);
    await fleet.setInterval(SHORT_INTERVAL);
    progress(`${EDIT_COUNT} edits and deletions by hand`);
    const { result, spent } = await spentOn(trial, () => disturbApps(trial, fleet.names), {
      quietMs: 0,
    });
    const name = `drift, interval ${SHORT_INTERVAL}`;
    const times = { 'put back': result };
    return [{ id: 'drift', name, apps, count: 1, unit: 'run', times, spent }];
  },
};
