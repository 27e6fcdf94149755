// Runs a controller of either system as a process, with a log file. It is ready when its health port says so.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { until } from '@weir/cluster';

const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 20_000;
const LOG_TAIL = 2_000;

export interface Program {
  name: string;
  command: string;
  args: string[];
  env: Record<string, string>;
  healthPort: number;
  log: string;
}

export interface RunningProgram {
  pid: number;
  stop(): Promise<void>;
  /** Sends SIGKILL and waits until it has ended. */
  kill(): Promise<void>;
}

/** Starts a program. When its `/readyz` succeeds, resolves with a function that stops it; rejects with its log's end. */
export async function startProgram(program: Program): Promise<() => Promise<void>> {
  const { stop } = await runProgram(program);
  return stop;
}

/** Like `startProgram`, but also returns the process. */
export async function runProgram(program: Program): Promise<RunningProgram> {
  const { command, args, env, log, name, healthPort } = program;
  const output = openSync(log, 'a');
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  const exited = Promise.withResolvers<never>();
  // After the start nobody awaits this promise. Without a handler an exit would count as an unhandled rejection.
  exited.promise.catch(() => undefined);
  child.once('error', exited.reject);
  child.once('exit', (code) => exited.reject(new Error(`exit code ${code}`)));
  const over = new AbortController();
  const ready = until(async () => (await fetch(`http://127.0.0.1:${healthPort}/readyz`)).ok, {
    timeoutMs: READY_TIMEOUT_MS,
    message: `${name} to be ready`,
    signal: over.signal,
  });
  ready.catch(() => undefined);
  try {
    await Promise.race([ready, exited.promise]);
  } catch (cause) {
    await stop(child, 'SIGTERM');
    const tail = (await readFile(log, 'utf8')).slice(-LOG_TAIL);
    throw new Error(`${name} does not start: ${String(cause)}\n${tail}`, { cause });
  } finally {
    over.abort();
  }
  return {
    pid: child.pid ?? 0,
    stop: () => stop(child, 'SIGTERM'),
    kill: () => stop(child, 'SIGKILL'),
  };
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await exited;
  clearTimeout(timer);
}
