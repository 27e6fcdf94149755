// One leg of one system, on a ground of its own.
import { join } from 'node:path';
import { installFleet } from './fleet.ts';
import { openGround, type Platform } from './ground.ts';
import { watchMemory } from './measure/memory.ts';
import type { Measurement } from './measurement.ts';
import type { Leg } from './plan.ts';
import type { System } from './system.ts';
import type { Trial } from './trial.ts';

export interface RunOptions extends Pick<Trial, 'rounds' | 'idleSeconds' | 'progress'> {
  cpuProfiles?: string;
}

export interface LegResult {
  platform: Platform;
  measurements: Measurement[];
}

/** Starts a control plane and the system, measures, and stops all of it. */
export async function runLeg(system: System, leg: Leg, options: RunOptions): Promise<LegResult> {
  const { apps } = leg;
  const { rounds, idleSeconds, progress, cpuProfiles } = options;
  const started = new AsyncDisposableStack();
  try {
    progress('starting a control plane');
    const ground = await openGround(started, { nats: system.needsNats });
    progress(`starting ${system.title}`);
    const own = leg.kind === 'own' ? leg.scenario.name : 'apps';
    const running = await system.start(ground, {
      cpuProfiles: cpuProfiles && join(cpuProfiles, `${own}-${apps}`),
      // They cost the services something, so only who reads them gets them.
      traces: leg.kind === 'own' && leg.scenario.name === 'commit',
    });
    started.defer(() => running.close());
    const memory = watchMemory(() => ({ ...running.pids(), ...ground.cluster.pids() }));
    started.defer(() => memory.close());
    const { clients } = system;
    const trial: Trial = {
      ground,
      system: { ...running, clients },
      memory,
      apps,
      rounds,
      idleSeconds,
      progress,
    };
    const { platform } = ground;
    if (leg.kind === 'own') return { platform, measurements: await leg.scenario.run(trial) };
    const fleet = await installFleet(trial);
    started.defer(() => fleet.close());
    const measurements: Measurement[] = [];
    for (const scenario of leg.scenarios) measurements.push(...(await scenario.run(trial, fleet)));
    return { platform, measurements };
  } finally {
    await started.disposeAsync();
  }
}
