import { startProcess, type WeirProcess } from '@weir/harness';
import type { Ground } from '../ground.ts';
import type { RunningSystem, System, SystemOptions } from '../system.ts';

/** Those that have work in these scenarios; the CRDs are installed by the first. */
const SERVICES = ['source', 'kustomize', 'notification'];

/** Weir as the chart runs it: a process and an account for each service. */
export const weir: System = { name: 'weir', start };

async function start(ground: Ground, options: SystemOptions): Promise<RunningSystem> {
  const processes = new Map<string, WeirProcess>();
  const close = async () => {
    await Promise.all([...processes.values()].map((process) => process.stop()));
  };
  try {
    for (const service of SERVICES) {
      processes.set(service, await startService(service, ground, options));
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    pids: () => Object.fromEntries([...processes].map(([name, { pid }]) => [name, pid])),
    close,
  };
}

function startService(
  service: string,
  { cluster, collector, dir }: Ground,
  { cpuProfiles }: SystemOptions,
): Promise<WeirProcess> {
  return startProcess({
    name: service,
    services: [service],
    dir,
    env: {
      ...cluster.env,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      LOG_LEVEL: 'info',
    },
    flags: ['--service-accounts', '--install-crds', '--artifact-port=0'],
    ...(cpuProfiles === undefined
      ? {}
      : {
          nodeFlags: [
            '--cpu-prof',
            `--cpu-prof-dir=${cpuProfiles}`,
            `--cpu-prof-name=${service}.cpuprofile`,
          ],
        }),
  });
}
