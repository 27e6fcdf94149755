import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { connectBus } from '@weir/bus';
import { connectKube, type KubeClient, userAgent } from '@weir/kube';
import {
  createSettings,
  type RunningService,
  type Service,
  type Settings,
  serveHealth,
} from '@weir/service';
import {
  createLogger,
  createMetrics,
  createTracing,
  exposeAll,
  LOG_LEVELS,
  type Logger,
  type LoggerOptions,
  type Metrics,
} from '@weir/telemetry';
import { asOwnAccount, ensureNamespace } from './accounts.ts';
import { busOptions } from './bus.ts';
import { loadService, SERVICES } from './catalogue.ts';
import { installCrds } from './crds.ts';
import { natsServers } from './nats.ts';

const READY_POLL_MS = 50;
const RETRY_MS = 1_000;
const STOP_TIMEOUT_MS = 25_000;

export interface StartOptions {
  /** Names of services; all of them when empty. */
  services?: readonly string[];
  /** Flags by name without dashes; see flags.ts. */
  flags?: Readonly<Record<string, string>>;
  /** Variables, KUBECONFIG and NATS_URL among them; those of the process unless given. */
  env?: Readonly<Record<string, string | undefined>>;
  /** The form and destination of the services' logs. */
  logging?: Pick<LoggerOptions, 'pretty' | 'destination'>;
  /** Ends the start; after the start, `close` ends the services. */
  signal?: AbortSignal;
}

/** Services that run in this process. */
export interface Running {
  services: string[];
  healthPort: number;
  /** Other ports that services listen on, by purpose. */
  ports(): Record<string, number>;
  /** Resolves once every service is ready. */
  ready(): Promise<void>;
  /**
   * Stops the services: gracefully for 25 s, then at once. Resolves when everything is closed; rejects if that fails.
   */
  close(): Promise<void>;
}

/**
 * Starts services in this process, each with its own client, logger, metrics and traces. Resolves when all are running,
 * which is before they are ready. It waits for Kubernetes, but not for NATS. Rejects for settings that are wrong, for a
 * port that is taken, and with the signal's reason.
 */
export async function startServices(options: StartOptions = {}): Promise<Running> {
  const names = options.services?.length ? [...options.services] : [...SERVICES];
  const env = options.env ?? process.env;
  const settings = createSettings(options.flags ?? {}, env);
  // Wrong addresses are refused here, before each service would do so.
  natsServers(settings, env);
  const started = new AsyncDisposableStack();
  const stop = new AbortController();
  const starting = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
  const level = settings.choice('log-level', LOG_LEVELS, undefined);
  const loggerFor = (service: string) =>
    createLogger({ service, ...optional('level', level), ...options.logging });

  const running = new Map<string, RunningService>();
  const metrics: Metrics[] = [];
  const health = await serveHealth({
    port: settings.port('health-port', 9440),
    ready: () =>
      Object.fromEntries(
        names.map((name) => [name, readiness(running.get(name)?.ready() ?? 'not started yet')]),
      ),
    metrics: () => exposeAll(metrics),
  });
  started.defer(() => health.close());

  try {
    const log = loggerFor('weir');
    const namespace = settings.get('runtime-namespace') ?? env.RUNTIME_NAMESPACE ?? 'weir-system';
    const kubeconfig = optional(
      'kubeconfig',
      settings.get('kubeconfig') ?? options.env?.KUBECONFIG,
    );
    const admin = connectKube(kubeconfig, { userAgent: userAgent(), log });
    started.defer(() => admin.close());
    await prepare(admin, { settings, namespace, log, signal: starting });

    const instance = env.POD_NAME ?? `${hostname()}-${randomBytes(3).toString('hex')}`;
    const start = async (name: string) => {
      const service = await loadService(name);
      const own = settings.boolean('service-accounts', false)
        ? await asOwnAccount(admin, name, namespace)
        : connectKube(kubeconfig, { userAgent: userAgent(name), log });
      started.defer(() => own.close());
      const at = await startService(service, {
        ...{ client: own, settings, namespace, instance, env, signal: stop.signal },
        log: loggerFor(name),
        metrics: keep(metrics, createMetrics({ service: name })),
        started,
      });
      running.set(name, at);
    };
    await allOf(names.map(start));
    starting.throwIfAborted();
  } catch (error) {
    stop.abort();
    await closeAll(running, started);
    throw error;
  }

  return {
    services: names,
    healthPort: health.port,
    ports: () => Object.assign({}, ...[...running.values()].map((service) => service.ports?.())),
    async ready() {
      const waiting = () => [...running.values()].some((service) => service.ready() !== true);
      while (waiting()) await delay(READY_POLL_MS, undefined, { signal: stop.signal });
    },
    async close() {
      const timer = setTimeout(() => stop.abort(), STOP_TIMEOUT_MS);
      try {
        await closeAll(running, started);
      } finally {
        clearTimeout(timer);
        stop.abort();
      }
    },
  };
}

/** Closes the services first, because they use what was started before them; then everything else, whatever fails. */
async function closeAll(
  running: ReadonlyMap<string, RunningService>,
  started: AsyncDisposableStack,
): Promise<void> {
  try {
    await allOf([...running.values()].map((service) => service.close()));
  } finally {
    await started.disposeAsync();
  }
}

/** Waits until all have settled, then rejects if one has; `Promise.all` would not wait for the others. */
async function allOf(promises: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(promises)).find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
}

interface Surroundings {
  client: KubeClient;
  settings: Settings;
  namespace: string;
  instance: string;
  env: Readonly<Record<string, string | undefined>>;
  log: Logger;
  metrics: Metrics;
  signal: AbortSignal;
  /** For what has to be closed after the service has stopped. */
  started: AsyncDisposableStack;
}

async function startService(service: Service, around: Surroundings): Promise<RunningService> {
  const { settings, instance, log, metrics, env, started, ...context } = around;
  const { name } = service;
  const endpoint = optional('endpoint', env.OTEL_EXPORTER_OTLP_ENDPOINT);
  const tracing = createTracing({ service: name, instance, log, ...endpoint });
  started.defer(() => tracing.close());
  const bus = await connectBus({
    ...busOptions(settings, env),
    name: `${name} ${instance}`,
    service: name,
    log,
    metrics,
  });
  started.defer(() => bus.close());
  return service.start({ ...context, name, instance, bus, log, metrics, tracing, settings });
}

interface Preparation {
  settings: Settings;
  namespace: string;
  log: Logger;
  signal: AbortSignal;
}

/** Waits for Kubernetes, and does what the flags ask for before a service starts. */
async function prepare(admin: KubeClient, preparation: Preparation): Promise<void> {
  const { settings, namespace, log, signal } = preparation;
  let lastReason: string | undefined;
  for (;;) {
    try {
      await admin.request({ method: 'GET', path: '/version', signal });
      break;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      // A lasting problem is logged once as a warning.
      const level = why === lastReason ? 'debug' : 'warn';
      lastReason = why;
      log[level]({ server: admin.server, why }, 'Kubernetes does not answer, trying again');
      await delay(RETRY_MS, undefined, { signal });
    }
  }
  await ensureNamespace(admin, namespace);
  if (settings.boolean('install-crds', false)) await installCrds(admin, signal);
}

function readiness(ready: boolean | string): true | string {
  return ready === false ? 'not ready' : ready;
}

function keep<T>(list: T[], item: T): T {
  list.push(item);
  return item;
}

/** `{ [key]: value }`, or an empty object for an undefined value. */
function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V };
}
