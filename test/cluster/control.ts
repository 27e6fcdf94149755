import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ApiRequest } from './api.ts';
import type { Tool } from './build.ts';
import { argumentsOf, type Component, type Flags, type Layout, type Ports } from './components.ts';
import { isReady } from './readiness.ts';
import type { Supervisor } from './supervise.ts';
import { until } from './until.ts';

const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 3_000;

export interface StopOptions {
  /** SIGTERM unless given. SIGKILL simulates a crash. */
  signal?: NodeJS.Signals;
}

/** What a test can do to the components of its cluster. */
export interface Control {
  /** Starts a stopped component with the same port and data. Resolves when it is ready. */
  start(component: Component): Promise<void>;
  /** Stops a component and resolves when it has ended. It is killed when it has not ended after 3 s. */
  stop(component: Component, options?: StopOptions): Promise<void>;
  /** Stops and starts a component. `wipe` (nats-server only) removes its data in between. */
  restart(component: Component, options?: StopOptions & { wipe?: boolean }): Promise<void>;
  /** Sends a signal: SIGSTOP makes a component hang, SIGCONT lets it continue. */
  signal(component: Component, signal: NodeJS.Signals): Promise<void>;
  /** The process ids of the running components, by name. */
  pids(): Record<string, number>;
  /** The path of a component's log. */
  logs(component: Component): string;
}

export interface ControlContext {
  supervisor: Supervisor;
  bins: Map<Tool, string>;
  files: Layout;
  dir: string;
  logDir: string;
  ports: Ports;
  flags: Flags;
  request: ApiRequest;
}

/** Starts and stops the components of one cluster through its supervisor. */
export function createControl(context: ControlContext): Control {
  const { supervisor, files, ports, flags, request } = context;
  const logs = (component: Component): string => join(context.logDir, `${component}.log`);

  const start = async (component: Component): Promise<void> => {
    const command = context.bins.get(component);
    if (command === undefined) throw new Error(`this cluster was started without ${component}`);
    await supervisor.start({
      name: component,
      command,
      args: argumentsOf(component, files, ports, flags),
      cwd: context.dir,
      log: logs(component),
    });
    const where = { etcdSocket: files.etcdSocket, natsPort: ports.nats, request };
    await until(async () => supervisor.exitOf(component) ?? (await isReady(component, where)), {
      timeoutMs: READY_TIMEOUT_MS,
      intervalMs: 20,
      message: `${component} to become ready`,
    });
    const exit = supervisor.exitOf(component);
    if (exit !== undefined) {
      throw new Error(`${component} ended with ${exit}:\n${await tail(logs(component))}`);
    }
  };

  const stop = async (component: Component, options: StopOptions = {}): Promise<void> => {
    await supervisor.stop(component, options.signal ?? 'SIGTERM', STOP_TIMEOUT_MS);
  };

  return {
    start,
    stop,
    restart: async (component, { wipe = false, ...options } = {}) => {
      if (wipe && component !== 'nats-server') {
        throw new Error(`wipe is for nats-server only, not for ${component}`);
      }
      await stop(component, options);
      if (wipe) await rm(files.natsData, { recursive: true, force: true });
      await start(component);
    },
    signal: (component, signal) => supervisor.signal(component, signal),
    pids: () => supervisor.pids(),
    logs,
  };
}

async function tail(path: string): Promise<string> {
  return (await readFile(path, 'utf8')).trimEnd().split('\n').slice(-15).join('\n');
}
