// Nothing changes, at an interval so short that a minute has as many reconciles as an hour usually has.
import { setTimeout as delay } from 'node:timers/promises';
import { spentOn } from '../measure/window.ts';
import type { FleetScenario } from '../scenario.ts';

/** A minute at this interval has as many intervals as an hour at the common one of ten minutes. */
export const SHORT_INTERVAL = '10s';

export const idle: FleetScenario = {
  kind: 'fleet',
  name: 'idle',
  about: `nothing happens, at an interval of ${SHORT_INTERVAL}`,
  sizes: (asked) => [...asked],
  async run(trial, fleet) {
    const { apps, idleSeconds, progress } = trial;
    progress(`intervals of ${SHORT_INTERVAL}`);
    await fleet.setInterval(SHORT_INTERVAL);
    // The change of the interval itself causes some work, which doesn't count.
    await delay(2_000);
    progress(`nothing, for ${idleSeconds} s`);
    const { spent } = await spentOn(trial, () => delay(idleSeconds * 1_000), {
      quietMs: 0,
      name: 'idle',
    });
    const name = `idle for ${idleSeconds} s, interval ${SHORT_INTERVAL}`;
    return [{ id: 'idle', name, apps, count: 1, unit: 'run', times: {}, spent }];
  },
};
