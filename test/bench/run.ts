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
  /** Folder for CPU profiles of the system's processes and the API server. */
  cpuProfiles?: string;
  /** Folder for the logs of all processes; they go with the run unless given. */
  logs?: string;
  /** Told of each measurement as soon as it is made. */
  measured(measurement: Measurement, platform: Platform): Promise<void>;
  /** Ends the run, and all that was started for it. */
  signal: AbortSignal;
}

/** Starts a control plane and the system, measures, and stops all of it. Rejects when the signal aborts. */
export async function runLeg(system: System, leg: Leg, options: RunOptions): Promise<void> {
  const { apps } = leg;
  const { rounds, idleSeconds, progress, cpuProfiles, logs, signal } = options;
  const own = leg.kind === 'own' ? leg.scenario.name : 'apps';
  const started = new AsyncDisposableStack();
  const aborted = Promise.withResolvers<never>();
  // Before there is something to measure nobody waits for it.
  aborted.promise.catch(() => undefined);
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort);
  try {
    progress('starting a control plane');
    const ground = await openGround(started, {
      nats: system.needsNats,
      ...(logs === undefined ? {} : { dir: join(logs, `${system.name}-${own}-${apps}`) }),
    });
    signal.throwIfAborted();
    progress(`starting ${system.title}`);
    const profiles = cpuProfiles && join(cpuProfiles, `${own}-${apps}`);
    const running = await system.start(ground, {
      cpuProfiles: profiles,
      // They cost the services something, so only who reads them gets them.
      traces: leg.kind === 'own' && leg.scenario.name === 'commit',
    });
    started.defer(() => running.close());
    signal.throwIfAborted();
    const memory = watchMemory({ system: running.pids, others: ground.cluster.pids });
    started.defer(() => memory.close());
    const { clients } = system;
    const trial: Trial = {
      ground,
      system: { ...running, clients },
      memory,
      apps,
      rounds,
      idleSeconds,
      profiles: profiles && join(profiles, `${system.name}-kube-apiserver`),
      progress,
    };
    const { platform } = ground;
    const tell = async (measurements: Measurement[]) => {
      for (const measurement of measurements) await options.measured(measurement, platform);
    };
    await Promise.race([measureLeg(leg, trial, started, tell), aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
    await started.disposeAsync();
  }
}

async function measureLeg(
  leg: Leg,
  trial: Trial,
  started: AsyncDisposableStack,
  tell: (measurements: Measurement[]) => Promise<void>,
): Promise<void> {
  if (leg.kind === 'own') {
    await tell(await leg.scenario.run(trial));
    return;
  }
  const fleet = await installFleet(trial);
  started.defer(() => fleet.close());
  for (const scenario of leg.scenarios) await tell(await scenario.run(trial, fleet));
}
