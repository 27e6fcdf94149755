// Tries a target in a process of its own, and watches what that takes.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Said } from './child.ts';
import { inputOf, showInput } from './inputs.ts';
import { peakOf } from './memory.ts';
import type { Target } from './target.ts';

export interface FuzzOptions {
  /** How long inputs are tried, in ms; one is tried in any case. */
  forMs: number;
  /** The number of the first input. */
  first: number;
  /** A planted fault: one of the target's own, or a general one. */
  plant?: string | undefined;
}

export interface Finding {
  /** The number of the input. */
  number: number;
  what: string;
  /** The input, shortened. */
  input: string;
}

export interface FuzzResult {
  tried: number;
  /** The most memory of the process and its children, in bytes. */
  peakBytes: number;
  finding?: Finding;
}

/** What is known of the process that tries inputs. */
interface Watched {
  child: ChildProcess;
  /** The number of the input that is being tried; undefined while the target is being opened. */
  trying: number | undefined;
  /** Since when, in ms of the monotonic clock. */
  since: number;
  wrong: { number: number; what: string } | undefined;
  /** The end of what it wrote to its standard error. */
  errors: string;
  hasEnded: boolean;
  ended: Promise<unknown>;
}

const CHILD = join(import.meta.dirname, 'child.ts');
/** A small heap: what the process has in memory is what is in use, and not what nobody has collected yet. */
const NODE_FLAGS = ['--max-old-space-size=160', '--max-semi-space-size=2'];
const LOOK_MS = 25;
/** How long opening a target may take, which may build programs, and closing it. */
const OPEN_MS = 120_000;

/** Tries inputs until the time is over or something is found. Rejects when the target can't be opened or closed. */
export async function fuzz(target: Target<unknown>, options: FuzzOptions): Promise<FuzzResult> {
  const watched = start(target, options);
  try {
    const { peakBytes, wrong } = await watch(watched, target, options);
    const last = watched.trying ?? options.first;
    const tried = last - options.first + (wrong === undefined ? 1 : 0);
    if (wrong === undefined) return { tried, peakBytes };
    const input = showInput(inputOf(target, wrong.number));
    return { tried, peakBytes, finding: { ...wrong, input } };
  } finally {
    if (!watched.hasEnded) killGroup(watched.child.pid);
  }
}

function start(target: Target<unknown>, { first, plant }: FuzzOptions): Watched {
  const args = [target.name, String(first), ...(plant === undefined ? [] : [plant])];
  const stdio = ['ignore', 'ignore', 'pipe', 'ipc'] as const;
  const child = fork(CHILD, args, { stdio: [...stdio], detached: true, execArgv: NODE_FLAGS });
  const watched: Watched = {
    ...{ child, trying: undefined, since: performance.now(), wrong: undefined, errors: '' },
    ...{ hasEnded: false, ended: once(child, 'exit') },
  };
  child.once('exit', () => {
    watched.hasEnded = true;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    watched.errors = (watched.errors + text).slice(-2_000);
  });
  child.on('message', (said: Said) => {
    if ('wrong' in said) watched.wrong = { number: said.wrong, what: said.what };
    else watched.trying = said.trying;
    watched.since = performance.now();
  });
  return watched;
}

async function watch(
  watched: Watched,
  { name, limits }: Target<unknown>,
  { forMs }: FuzzOptions,
): Promise<{ peakBytes: number; wrong?: NonNullable<Watched['wrong']> }> {
  const { child, ended } = watched;
  let peakBytes = 0;
  let startedAt: number | undefined;
  let isStopping = false;
  while (!watched.hasEnded) {
    await Promise.race([delay(LOOK_MS), ended]);
    const now = performance.now();
    const { trying: number, since } = watched;
    if (number === undefined) {
      if (now - since > OPEN_MS) throw new Error(`${name} is not open after ${OPEN_MS} ms`);
      continue;
    }
    startedAt ??= now;
    peakBytes = Math.max(peakBytes, await peakOf(child.pid ?? 0));
    if (peakBytes > limits.bytes) {
      const what = `takes more memory than ${limits.bytes} bytes: ${peakBytes}`;
      return { peakBytes, wrong: { number, what } };
    }
    if (isStopping || watched.wrong !== undefined) {
      if (now - since > OPEN_MS) throw new Error(`${name} is not closed after ${OPEN_MS} ms`);
    } else if (now - since > limits.ms) {
      const what = `takes longer than ${limits.ms} ms`;
      return { peakBytes, wrong: { number, what } };
    } else if (now - startedAt > forMs) {
      isStopping = true;
      if (child.connected) child.send('stop');
    }
  }
  const { trying: number, errors } = watched;
  if (number === undefined) throw new Error(`${name} cannot be opened: ${errors}`);
  if (watched.wrong !== undefined) return { peakBytes, wrong: watched.wrong };
  if (child.exitCode === 0) return { peakBytes };
  const what = `the process ended with ${child.exitCode ?? child.signalCode}: ${errors}`;
  return { peakBytes, wrong: { number, what } };
}

/** The process and what it started, as one group. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
