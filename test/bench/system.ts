import type { FluxEvent } from '@weir/events';
import type { Environment } from './environment.ts';

/**
 * What of a system runs: the services that apply apps or release charts, only the one that fetches sources, sends
 * alerts or scans images, all that a tag passes on its way from a registry over Git into the cluster, or those that a webhook passes.
 */
export type Runs = 'apps' | 'helm' | 'sources' | 'alerts' | 'scans' | 'circle' | 'webhooks';

/** A GitOps system that can be measured. Each is one file in `systems/`. */
export interface System {
  /** Its name on the command line and in results. */
  name: string;
  /** Its name in tables and plots. */
  title: string;
  /** The names of its clients in the counts of requests. */
  clients: readonly string[];
  needsNats: boolean;
  /** Its release and the flags of its processes. Rejects when it isn't installed. */
  describe(): Promise<SystemDescription>;
  /** Starts it in the environment's cluster. Resolves when it is ready. */
  start(environment: Environment, options: SystemOptions): Promise<RunningSystem>;
}

export interface SystemDescription {
  name: string;
  title: string;
  version: string;
  /** The flags by process, without addresses, ports and folders. */
  flags: Record<string, readonly string[]>;
}

export interface SystemOptions {
  /** The folder for CPU profiles of the processes, which are written when these end. */
  cpuProfiles?: string | undefined;
  /** Whether the system sends its traces, if it has any, to the environment's collector. */
  traces: boolean;
  /** Which of its processes start; see `OwnScenario.runs`. */
  runs: Runs;
}

export interface RunningSystem {
  /** The ids of the running processes by name. */
  pids(): Record<string, number>;
  /** Stops all its processes, as an update does. Their files are kept. */
  stop(): Promise<void>;
  /** Starts the processes again. Resolves when they are ready. */
  start(): Promise<void>;
  /** Ends all its processes at once, as a crash does, and starts them again. Resolves when they are ready. */
  crash(): Promise<void>;
  /** Where it takes webhooks, without the path. There when the system was started for webhooks. */
  webhooks?: string;
  /** Hands over an event as the system's own controllers do. There when the system was started for alerts. */
  publish?(event: FluxEvent): Promise<void>;
  /** Renders a chart of so many objects by itself. There when the system was started for HelmReleases and has an engine. */
  render?(objects: number): Promise<Renders>;
  close(): Promise<void>;
}

export interface Renders {
  /** Renders once, and returns how long that took, in ms. */
  once(): Promise<number>;
  close(): Promise<void>;
}
