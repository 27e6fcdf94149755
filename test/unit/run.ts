import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { createInterface } from 'node:readline';
import { collectFailures } from './failures.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** How long the command may take to end after a signal before it is killed with all that it started. */
const STOP_TIMEOUT_MS = 10_000;

/**
 * Runs Nx with the given command line. Its output passes through as it is; after it come the tests that failed. Signals go to
 * the command and to all that it started, and nothing of it is left when this resolves.
 *
 * @returns the exit code of the command, or 128 and the number of the signal that ended it, as a shell says it.
 */
export async function runTests(command: string, args: readonly string[]): Promise<number> {
  const failures = collectFailures();
  // A process group of its own, by which all processes of the tests can be reached.
  const child = spawn(command, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const closed = once(child, 'close');
  await once(child, 'spawn');
  child.stdout.pipe(process.stdout, { end: false });
  child.stderr.pipe(process.stderr, { end: false });
  for (const input of [child.stdout, child.stderr])
    createInterface({ input }).on('line', failures.line);
  child.once('exit', () => signalGroup(child, 'SIGKILL'));
  const stop = (signal: NodeJS.Signals): void => {
    signalGroup(child, signal);
    setTimeout(() => signalGroup(child, 'SIGKILL'), STOP_TIMEOUT_MS).unref();
  };
  for (const signal of SIGNALS) process.on(signal, stop);
  const [code, signal] = (await closed) as [number | null, NodeJS.Signals | null];
  for (const name of SIGNALS) process.off(name, stop);
  for (const line of failures.report()) console.log(line);
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    // ESRCH means that no process of the group is left.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
