import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeStreams } from '@weir/bus/testing';
import { freePort, git } from '@weir/cluster';
import { startProcess } from '@weir/kit';
import type { Environment } from '../environment.ts';
import type { RunningSystem, Runs, System, SystemDescription, SystemOptions } from '../system.ts';
import { startWeirNotification } from './notification.ts';
import { startParts } from './parts.ts';
import { openRenders } from './render.ts';

const ROOT = join(import.meta.dirname, '../../..');

/** The flags of the services, with as many workers as Flux's controllers have. */
const FLAGS = {
  source: ['--concurrent=10'],
  kustomize: ['--concurrent=20'],
  'helm-release': ['--concurrent=16'],
  'image-automation': ['--concurrent=16'],
  notification: [],
} satisfies Record<string, readonly string[]>;
type Service = keyof typeof FLAGS;

const SERVICES: Record<Exclude<Runs, 'alerts' | 'webhooks'>, readonly Service[]> = {
  apps: ['source', 'kustomize'],
  helm: ['source', 'helm-release'],
  sources: ['source'],
  scans: ['image-automation'],
  circle: ['source', 'kustomize', 'image-automation'],
};

/** Weir as the chart runs it, with a process and an account for each service. */
export const weir: System = {
  name: 'weir',
  title: 'Weir',
  clients: Object.keys(FLAGS).map((service) => `weir-${service}`),
  needsNats: true,
  describe,
  start,
};

async function describe(): Promise<SystemDescription> {
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  const commit = await git(ROOT, ['rev-parse', '--short', 'HEAD']).catch(() => 'no repository');
  return { name: 'weir', title: 'Weir', version: `${version} (${commit})`, flags: FLAGS };
}

async function start(environment: Environment, options: SystemOptions): Promise<RunningSystem> {
  if (options.runs === 'alerts') {
    return startWeirNotification(environment, () =>
      startService('notification', [], 1, environment, options),
    );
  }
  if (options.runs === 'webhooks') {
    const port = await freePort();
    const parts = await startParts({
      source: () => startService('source', [], 1, environment, options),
      notification: () =>
        startService('notification', [`--receiver-port=${port}`], 1, environment, options),
    });
    return { ...parts, webhooks: `http://127.0.0.1:${port}` };
  }
  // Without notification, which has no work here, somebody else has to make the stream that events go to.
  const closeStreams = await makeStreams(environment.cluster.natsUrl, ['weir-events']);
  await closeStreams();
  // The port stays the same over a restart, as behind a Service, because the artifact's URL is in the source's status.
  const artifactPort = await freePort();
  const services = SERVICES[options.runs].map((service) => {
    let starts = 0;
    const more = [`--artifact-port=${artifactPort}`];
    return [service, () => startService(service, more, ++starts, environment, options)] as const;
  });
  const parts = await startParts(Object.fromEntries(services));
  if (options.runs !== 'helm') return parts;
  return { ...parts, render: (objects) => openRenders(environment.dir, objects) };
}

function startService(
  service: Service,
  more: readonly string[],
  count: number,
  { cluster, collector, dir }: Environment,
  { cpuProfiles, traces }: SystemOptions,
) {
  const suffix = count === 1 ? '' : `-${count}`;
  const profile = [
    '--cpu-prof',
    `--cpu-prof-dir=${cpuProfiles}`,
    `--cpu-prof-name=${service}${suffix}.cpuprofile`,
  ];
  return startProcess({
    name: service,
    services: [service],
    dir,
    env: {
      ...cluster.env,
      ...(traces ? { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } : {}),
      LOG_LEVEL: 'info',
    },
    flags: ['--service-accounts', ...FLAGS[service], ...more],
    ...(cpuProfiles === undefined ? {} : { nodeFlags: profile }),
  });
}
