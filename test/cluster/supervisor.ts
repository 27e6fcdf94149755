/**
 * The process that runs a cluster's components. `supervise.ts` starts one for each cluster and sends it requests over
 * Node's IPC channel. When that channel closes, for whatever reason (close, crash, `kill -9` of the parent), the supervisor
 * ends the components in the reverse order of their start, removes the data folder, and ends.
 *
 * It runs in a session of its own, so that Ctrl-C in a terminal does not end the components before their parent reacts.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { rm } from 'node:fs/promises';

export interface ComponentProcess {
  name: string;
  command: string;
  args: string[];
  env?: Record<string, string>;
  cwd: string;
  /** The file that standard output and standard error are appended to. */
  log: string;
}

/** A request of the parent. Each is answered once, by an `Answer` with the same id. */
export type Request = { id: number } & (
  | { op: 'start'; process: ComponentProcess }
  | { op: 'signal'; name: string; signal: NodeJS.Signals }
  | { op: 'stop'; name: string; signal: NodeJS.Signals; timeoutMs: number }
);
export type Answer = { id: number; pid?: number; error?: string };
export type Exit = { exited: string; pid: number; code: number | null; signal: string | null };

if (import.meta.main) main(process.argv[2]);

function main(dataDir: string | undefined): void {
  const running = new Map<string, ChildProcess>();
  const send = (message: Answer | Exit): void => {
    if (process.connected) process.send?.(message);
  };
  const end = async (): Promise<void> => {
    for (const child of [...running.values()].toReversed()) await kill(child);
    if (dataDir !== undefined) await rm(dataDir, { recursive: true, force: true, maxRetries: 5 });
    process.exit(0);
  };
  process.on('message', (request: Request) => {
    handle(running, request, send).then(
      (pid) => send({ id: request.id, ...(pid === undefined ? {} : { pid }) }),
      (error: unknown) => send({ id: request.id, error: String(error) }),
    );
  });
  process.once('disconnect', () => void end());
  process.once('SIGTERM', () => void end());
  process.on('SIGINT', () => undefined);
  process.on('SIGHUP', () => undefined);
}

async function handle(
  running: Map<string, ChildProcess>,
  request: Request,
  send: (message: Exit) => void,
): Promise<number | undefined> {
  if (request.op === 'start') return start(running, request.process, send);
  const child = running.get(request.name);
  if (request.op === 'signal') {
    if (child === undefined) throw new Error(`${request.name} is not running`);
    child.kill(request.signal);
    return child.pid;
  }
  if (child !== undefined) await stop(child, request.signal, request.timeoutMs);
  return undefined;
}

async function start(
  running: Map<string, ChildProcess>,
  component: ComponentProcess,
  send: (message: Exit) => void,
): Promise<number | undefined> {
  const { name, command, args, cwd, env, log } = component;
  if (running.has(name)) throw new Error(`${name} is running already`);
  const output = openSync(log, 'a');
  try {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', output, output],
    });
    // The process is registered before the first await, because it may end at any time after that.
    running.set(name, child);
    child.once('exit', (code, signal) => {
      running.delete(name);
      send({ exited: name, pid: child.pid ?? 0, code, signal });
    });
    await once(child, 'spawn').catch((error: unknown) => {
      running.delete(name);
      throw error;
    });
    return child.pid;
  } finally {
    closeSync(output);
  }
}

/** Sends `signal`, and SIGKILL after `timeoutMs`. Resolves when the process has ended. */
async function stop(child: ChildProcess, signal: NodeJS.Signals, timeoutMs: number): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  // A process that is stopped (SIGSTOP) has to be continued first, because it doesn't handle the signal.
  child.kill('SIGCONT');
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  await exited;
  clearTimeout(timer);
}

async function kill(child: ChildProcess): Promise<void> {
  await stop(child, 'SIGKILL', 1_000);
}
