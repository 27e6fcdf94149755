// One leg of one system, in an environment of its own.
import { join } from 'node:path';
import { openEnvironment, type Platform } from './environment.ts';
import { installFleet } from './fleet.ts';
import { watchMemory } from './measure/memory.ts';
import type { Measurement } from './measurement.ts';
import type { Leg } from './plan.ts';
import type { System } from './system.ts';
import type { Trial } from './trial.ts';

export interface RunOptions extends Pick<Trial, 'rounds' | 'idleSeconds' | 'progress'> {
  /** The folder for CPU profiles of the system's processes and of the API server. */
  cpuProfiles?: string;
  /** The folder for the logs of all processes. Without it they are removed after the run. */
  logs?: string;
  /** Called with each measurement as soon as it is made. */
  measured(measurement: Measurement, platform: Platform): Promise<void>;
  /** Ends the run and everything that was started for it. */
  signal: AbortSignal;
}

/** Starts a control plane and the system, measures, and stops everything. Rejects when the signal aborts. */
export async function runLeg(system: System, leg: Leg, options: RunOptions): Promise<void> {
  const { apps } = leg;
  const { rounds, idleSeconds, progress, cpuProfiles, logs, signal } = options;
  const own = leg.kind === 'own' ? leg.scenario.name : 'apps';
  const started = new AsyncDisposableStack();
  const aborted = Promise.withResolvers<never>();
  // The promise is only awaited later. Without this handler an early abort would count as an unhandled rejection.
  aborted.promise.catch(() => undefined);
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort);
  try {
    progress('starting a control plane');
    const environment = await openEnvironment(started, {
      nats: system.needsNats,
      ...(logs === undefined ? {} : { dir: join(logs, `${system.name}-${own}-${apps}`) }),
    });
    signal.throwIfAborted();
    progress(`starting ${system.title}`);
    const profiles = cpuProfiles && join(cpuProfiles, `${own}-${apps}`);
    const running = await system.start(environment, {
      cpuProfiles: profiles,
      // Sending traces costs the services time, so only the scenario that reads them gets them.
      traces: leg.kind === 'own' && leg.scenario.name === 'commit',
      runs: (leg.kind === 'own' && leg.scenario.runs) || 'apps',
    });
    started.defer(() => running.close());
    signal.throwIfAborted();
    const memory = watchMemory({ system: running.pids, others: environment.cluster.pids });
    started.defer(() => memory.close());
    const { clients } = system;
    const trial: Trial = {
      environment,
      system: { ...running, clients },
      memory,
      apps,
      rounds,
      idleSeconds,
      profiles: profiles && join(profiles, `${system.name}-kube-apiserver`),
      progress,
    };
    const { platform } = environment;
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
