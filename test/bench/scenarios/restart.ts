// The services stop and start again while all apps are in sync.
import { now } from '../measure/clock.ts';
import { spentOn } from '../measure/window.ts';
import type { FleetScenario } from '../scenario.ts';

/** How long no requests may come until the restart counts as done, in ms. Work after a start has shorter pauses. */
const QUIET_MS = 5_000;

export const restart: FleetScenario = {
  kind: 'fleet',
  name: 'restart',
  about: 'the services stop and start with N apps in sync',
  sizes: (asked) => [...asked],
  async run(trial) {
    const { system, apps, progress } = trial;
    progress(`a restart with ${apps} apps in sync`);
    await system.stop();
    const startedAt = now();
    const { spent, lastRequestAt } = await spentOn(trial, () => system.start(), {
      quietMs: QUIET_MS,
      clients: system.clients,
    });
    const settled = (lastRequestAt ?? startedAt) - startedAt;
    const times = { 'the last request': [settled] };
    return [{ id: 'restart', name: 'restart', apps, count: 1, unit: 'restart', times, spent }];
  },
};
