import { fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Answer, ComponentProcess, Exit, Request } from './supervisor.ts';

export interface Supervisor {
  pid: number;
  /** Starts a process and resolves with its id as soon as it runs, which is before it is ready. */
  start(component: ComponentProcess): Promise<number>;
  /** Sends `signal` and kills the process when it has not ended after `timeoutMs`. Resolves when it has ended. */
  stop(name: string, signal: NodeJS.Signals, timeoutMs: number): Promise<void>;
  signal(name: string, signal: NodeJS.Signals): Promise<void>;
  /** The ids of the running processes, by name. */
  pids(): Record<string, number>;
  /** How the process of this name ended last; undefined while it runs, and when it was never started. */
  exitOf(name: string): string | undefined;
  /** Ends all processes and removes the data folder. Resolves when that is done. */
  close(): Promise<void>;
}

// `Omit` of a union type keeps only the fields that all members have. This type omits from each member separately.
type Unnumbered<R> = R extends Request ? Omit<R, 'id'> : never;

/**
 * Starts the supervisor process, which runs a cluster's components and ends them when this process ends, however it ends.
 * The supervisor does not keep this process alive.
 */
export async function supervise(dataDir: string): Promise<Supervisor> {
  const child = forkSupervisor(dataDir);
  await once(child, 'spawn');
  const pids = new Map<string, number>();
  const exits = new Map<string, string>();
  const waiting = new Map<number, (answer: Answer) => void>();
  let last = 0;
  let closing = false;

  const hold = (): void => {
    if (waiting.size > 0) child.channel?.ref();
    else child.channel?.unref();
  };
  const ask = async (request: Unnumbered<Request>): Promise<Answer> => {
    if (!child.connected) throw new Error('the cluster is closed');
    const id = ++last;
    const answer = new Promise<Answer>((resolve) => waiting.set(id, resolve));
    hold();
    child.send({ id, ...request });
    const result = await answer;
    if (result.error !== undefined) throw new Error(result.error);
    return result;
  };

  child.on('message', (message: Answer | Exit) => {
    if ('exited' in message) {
      if (pids.get(message.exited) === message.pid) pids.delete(message.exited);
      exits.set(message.exited, message.signal ?? `exit code ${message.code}`);
      return;
    }
    waiting.get(message.id)?.(message);
    waiting.delete(message.id);
    hold();
  });
  child.once('exit', () => {
    for (const [id, resolve] of waiting) resolve({ id, error: 'the cluster is closed' });
    waiting.clear();
    if (!closing) killAll(pids.values(), dataDir);
    for (const name of pids.keys()) exits.set(name, 'SIGKILL');
    pids.clear();
  });
  child.unref();
  hold();

  return {
    pid: child.pid ?? 0,
    start: async (component) => {
      exits.delete(component.name);
      const { pid = 0 } = await ask({ op: 'start', process: component });
      if (!exits.has(component.name)) pids.set(component.name, pid);
      return pid;
    },
    stop: async (name, signal, timeoutMs) => {
      await ask({ op: 'stop', name, signal, timeoutMs });
    },
    signal: async (name, signal) => {
      await ask({ op: 'signal', name, signal });
    },
    pids: () => Object.fromEntries(pids),
    exitOf: (name) => exits.get(name),
    close: async () => {
      closing = true;
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.ref();
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}

function forkSupervisor(dataDir: string): ReturnType<typeof fork> {
  const log = openSync(join(dataDir, 'supervisor.log'), 'a');
  // `node --test` sets this variable for the test processes that it starts. The supervisor is not one of them.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  try {
    return fork(join(import.meta.dirname, 'supervisor.ts'), [dataDir], {
      detached: true,
      execArgv: [],
      env,
      stdio: ['ignore', log, log, 'ipc'],
    });
  } finally {
    closeSync(log);
  }
}

/** Kills the components and removes the data, in place of a supervisor that was itself killed. */
function killAll(pids: Iterable<number>, dataDir: string): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      const gone = error instanceof Error && 'code' in error && error.code === 'ESRCH';
      if (!gone) throw error;
    }
  }
  rm(dataDir, { recursive: true, force: true, maxRetries: 5 }).catch((error: unknown) => {
    console.error(`cannot remove ${dataDir}: ${String(error)}`);
  });
}
