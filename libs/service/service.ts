// A service as the process that runs it sees it: a name, a start, and a way to ask and to stop it.
import type { Bus } from '@weir/bus';
import type { KubeClient } from '@weir/kube';
import type { Logger, Metrics, Tracing } from '@weir/telemetry';
import type { Settings } from './settings.ts';

/** A service: `services/<name>/main.ts` exports one as `service`. */
export interface Service {
  name: string;
  /** Resolves once the service runs; it need not be ready yet. Rejects when it can't start. */
  start(context: ServiceContext): Promise<RunningService>;
}

export interface RunningService {
  /** `true`, or what is still missing, in a few words. */
  ready(): boolean | string;
  /** Ports that it listens on, by purpose (`artifacts`), if it chose them itself. */
  ports?(): Record<string, number>;
  /** Finishes what is running or leaves it to other replicas, then closes everything. */
  close(): Promise<void>;
}

/** Everything that a service gets from outside; it reads no environment variables and no globals. */
export interface ServiceContext {
  name: string;
  /** Unique among the replicas: the pod's name, or a generated one. */
  instance: string;
  /** Runtime namespace, in which the service has its own Leases. */
  namespace: string;
  client: KubeClient;
  bus: Bus;
  log: Logger;
  metrics: Metrics;
  tracing: Tracing;
  settings: Settings;
  /** Aborted when the process is to stop at once: the time for a graceful stop is over. */
  signal: AbortSignal;
}
