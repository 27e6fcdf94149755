// N HelmReleases of one chart: installed, upgraded, left alone, and changed by hand.
import { setTimeout as delay } from 'node:timers/promises';
import { disturbApps } from '../disturbances.ts';
import { spentOn } from '../measure/window.ts';
import type { Measurement } from '../measurement.ts';
import { type Arrival, openReleases, type Releases } from '../releases.ts';
import { LONG_MS, repeat } from '../repeat.ts';
import type { OwnScenario } from '../scenario.ts';
import type { Trial } from '../trial.ts';
import { SHORT_INTERVAL } from './idle.ts';

/** Renders of one chart by the engine alone. */
const RENDERS = 200;
const RENDERED_OBJECTS = 20;

export const helm: OwnScenario = {
  kind: 'own',
  name: 'helm',
  about: 'N HelmReleases: install, a new chart, new values of one, nothing, and drift',
  runs: 'helm',
  sizes: (asked) => [...asked],
  async run(trial) {
    const releases = await openReleases(trial);
    try {
      return [
        await install(trial, releases),
        await upgradeAll(trial, releases),
        await upgradeOne(trial, releases),
        ...(await leaveAlone(trial, releases)),
        ...(await render(trial)),
      ];
    } finally {
      await releases.close();
    }
  },
};

async function install(trial: Trial, releases: Releases): Promise<Measurement> {
  trial.progress(`installing ${trial.apps} HelmReleases`);
  const { result, spent } = await spentOn(trial, () => releases.install(), {
    name: 'helm-install',
  });
  const times = { 'all Ready': [result] };
  const { apps } = trial;
  const name = 'install of HelmReleases';
  return { id: 'helm-install', name, apps, count: 1, unit: 'install', times, spent };
}

async function upgradeAll(trial: Trial, releases: Releases): Promise<Measurement> {
  trial.progress('new versions of the chart');
  const { result, spent } = await spentOn(
    trial,
    () => repeat(trial.rounds, () => releases.newChart()),
    { name: 'helm-all' },
  );
  return change(trial, 'helm-all', 'a new chart for all HelmReleases', result, spent);
}

/** The first round warms caches up and doesn't count, unless it takes so long that warming up no longer matters. */
async function upgradeOne(trial: Trial, releases: Releases): Promise<Measurement> {
  trial.progress('new values of one HelmRelease');
  const name = releases.names[Math.floor(trial.apps / 2)] ?? '';
  const once = () => releases.newValues(name);
  const what = 'new values of one HelmRelease';
  const first = await spentOn(trial, once);
  if (first.spent.seconds * 1_000 > LONG_MS) {
    return change(trial, 'helm-one', what, [first.result], first.spent);
  }
  const { result, spent } = await spentOn(trial, () => repeat(trial.rounds, once), {
    name: 'helm-one',
  });
  return change(trial, 'helm-one', what, result, spent);
}

/** With short intervals nothing happens for a while, and then objects are changed by hand. */
async function leaveAlone(trial: Trial, releases: Releases): Promise<Measurement[]> {
  const { apps, idleSeconds, progress } = trial;
  progress(`intervals of ${SHORT_INTERVAL}`);
  await releases.watchDrift(SHORT_INTERVAL);
  // The change of the interval itself causes some work, which doesn't count.
  await delay(2_000);
  progress(`nothing, for ${idleSeconds} s`);
  const idle = await spentOn(trial, () => delay(idleSeconds * 1_000), {
    quietMs: 0,
    name: 'helm-idle',
  });
  progress('edits and deletions by hand');
  const drift = await spentOn(trial, () => disturbApps(trial, releases.names), { quietMs: 0 });
  const run = { apps, count: 1, unit: 'run' };
  const interval = `interval ${SHORT_INTERVAL}`;
  return [
    {
      ...{ ...run, id: 'helm-idle', name: `HelmReleases idle for ${idleSeconds} s, ${interval}` },
      ...{ times: {}, spent: idle.spent },
    },
    {
      ...{ ...run, id: 'helm-drift', name: `drift of HelmReleases, ${interval}` },
      ...{ times: { 'put back': drift.result }, spent: drift.spent },
    },
  ];
}

/** Of a system whose engine renders by itself. */
async function render(trial: Trial): Promise<Measurement[]> {
  const { system, apps, progress } = trial;
  if (system.render === undefined) return [];
  progress(`${RENDERS} renders`);
  const renders = await system.render(RENDERED_OBJECTS);
  try {
    const { result, spent } = await spentOn(
      trial,
      async () => {
        const times: number[] = [];
        for (let count = 0; count < RENDERS; count++) times.push(await renders.once());
        return times;
      },
      { quietMs: 0 },
    );
    const name = `render of a chart of ${RENDERED_OBJECTS} objects`;
    const times = { 'rendered and encoded': result };
    return [{ id: 'helm-render', name, apps, count: RENDERS, unit: 'render', times, spent }];
  } finally {
    await renders.close();
  }
}

function change(
  { apps }: Trial,
  id: string,
  name: string,
  result: readonly Arrival[],
  spent: Measurement['spent'],
): Measurement {
  const times = {
    'all Ready with it': result.map(({ readyMs }) => readyMs),
    'all changes applied': result.map(({ appliedMs }) => appliedMs),
  };
  return { id, name, apps, count: result.length, unit: 'upgrade', times, spent };
}
