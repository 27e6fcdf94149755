// What a service is to the process that runs it: a name, a start, and something to ask and to stop.
import type { Bus } from '@weir/bus';
import type { KubeClient } from '@weir/kube';
import type { Logger, Metrics, Tracing } from '@weir/telemetry';
import type { Settings } from './settings.ts';

/** A service: `services/<name>/main.ts` exports one as `service`. */
export interface Service {
  name: string;
  /** Resolves once the service is at work; it need not be ready yet. Rejects when it can't start. */
  start(context: ServiceContext): Promise<RunningService>;
}

export interface RunningService {
  /** `true`, or in a few words what is still missing. */
  ready(): boolean | string;
  /** Ports that it listens on, by purpose (`artifacts`), where it chose them itself. */
  ports?(): Record<string, number>;
  /** Finishes or hands over what is running, then lets go of everything. */
  close(): Promise<void>;
}

/** Everything that a service gets from outside; it reads no environment and no globals. */
export interface ServiceContext {
  name: string;
  /** Unique among the replicas: the pod's name, or a generated one. */
  instance: string;
  /** Runtime namespace: where the service's own Leases are. */
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
