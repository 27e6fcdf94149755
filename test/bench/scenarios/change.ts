// A commit to one of N apps, and a commit to all of them.
import type { Fleet } from '../fleet.ts';
import { spentOn } from '../measure/window.ts';
import type { Measurement } from '../measurement.ts';
import { LONG_MS, repeat } from '../repeat.ts';
import type { FleetScenario } from '../scenario.ts';
import type { Trial } from '../trial.ts';

export const one: FleetScenario = {
  kind: 'fleet',
  name: 'one',
  about: 'a commit to one of N apps',
  sizes: (asked) => [...asked],
  async run(trial, fleet) {
    const changed = [fleet.names[Math.floor(trial.apps / 2)] ?? ''];
    const once = { ...trial, rounds: 1 };
    const first = await change(once, fleet, 'one', 'commit to one app', changed);
    // The first round warms caches up and doesn't count, unless it takes so long that warming up no longer matters.
    if (first.spent.seconds * 1_000 > LONG_MS) return [first];
    return [await change(trial, fleet, 'one', 'commit to one app', changed)];
  },
};

export const all: FleetScenario = {
  kind: 'fleet',
  name: 'all',
  about: 'a commit to all of N apps',
  sizes: (asked) => [...asked],
  run: async (trial, fleet) => [
    await change(trial, fleet, 'all', 'commit to all apps', fleet.names),
  ],
};

async function change(
  trial: Trial,
  fleet: Fleet,
  id: string,
  name: string,
  changed: readonly string[],
): Promise<Measurement> {
  trial.progress(`commits to ${changed.length} of ${trial.apps} apps`);
  const { result, spent } = await spentOn(
    trial,
    () => repeat(trial.rounds, () => fleet.commit(changed)),
    { name: id },
  );
  return {
    id,
    name,
    apps: trial.apps,
    count: result.length,
    unit: 'commit',
    times: {
      'all Ready at the revision': result.map(({ readyMs }) => readyMs),
      'all changes applied': result.map(({ appliedMs }) => appliedMs),
    },
    spent,
  };
}
