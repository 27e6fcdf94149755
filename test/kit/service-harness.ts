// A platform and one service on it that a test can stop, start again, and run in several replicas.
import { type ClusterOptions, until } from '@weir/cluster';
import type { RunningService, Service } from '@weir/service';
import { createTracing, type Logger } from '@weir/telemetry';
import { type Platform, startPlatform } from './platform.ts';

export interface ServiceHarness extends Omit<Platform, 'start'> {
  /** What the replica that `start` started says of its readiness: true, or why it isn't ready. */
  readiness(): ReturnType<RunningService['ready']>;
  /** Starts one more replica, with connections and a folder of its own. Resolves when it is ready. */
  replica(instance: string): Promise<RunningService>;
  /** Stops the replica that `start` started. */
  stop(): Promise<void>;
  /**
   * Starts the service again after `stop`, as a new process would: with a new name and an empty folder, and with the flags of
   * the first start unless others are given.
   */
  start(flags?: Record<string, string>): Promise<void>;
}

export interface ServiceHarnessOptions {
  service: Service;
  /** Flags of the service, by their names without dashes. */
  flags?: Record<string, string>;
  cluster?: ClusterOptions;
  /** URL of an OTLP collector that gets the spans of the service. */
  traces?: string | undefined;
  /** Where the service logs; by default as LOG_LEVEL says. */
  log?: Logger | undefined;
}

const READY_MS = 20_000;

/** Starts a platform and one replica of the service. Rejects with what failed to start, after closing everything. */
export async function startServiceHarness(options: ServiceHarnessOptions): Promise<ServiceHarness> {
  const { service, flags = {}, cluster = {}, traces, log } = options;
  const platform = await startPlatform(cluster);

  async function replica(instance: string, its = flags): Promise<RunningService> {
    const stop = new AbortController();
    const bus = await platform.connect(instance);
    const tracing = createTracing({
      service: service.name,
      instance,
      delayMs: 50,
      ...(traces === undefined ? {} : { endpoint: traces }),
    });
    platform.stack.defer(() => tracing.close());
    const parts = { bus, tracing, signal: stop.signal, ...(log === undefined ? {} : { log }) };
    const running = await platform.start(service, instance, its, parts);
    let closing: Promise<void> | undefined;
    async function close() {
      await running.close();
      stop.abort();
      await bus.close();
      await tracing.close();
    }
    const once = () => {
      closing ??= close();
      return closing;
    };
    platform.stack.defer(once);
    await until(() => running.ready() === true, {
      timeoutMs: READY_MS,
      message: `${instance} to be ready`,
    });
    return { ...running, close: once };
  }

  let running: RunningService | undefined;
  let starts = 0;
  async function start(its = flags): Promise<void> {
    running = await replica(`replica-${++starts}`, its);
  }
  try {
    await start();
  } catch (error) {
    await platform.close();
    throw error;
  }
  return {
    ...platform,
    replica: (instance) => replica(instance),
    start,
    readiness: () => running?.ready() ?? 'the service is stopped',
    async stop() {
      await running?.close();
      running = undefined;
    },
  };
}
