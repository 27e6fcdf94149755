// Tries a target in a process of its own, and measures what it uses.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Said, Task } from './child.ts';
import { inputOf, showInput } from './inputs.ts';
import { peakOf } from './memory.ts';
import type { Target } from './target.ts';

export interface FuzzOptions {
  /** How long inputs are tried, in ms; one is tried in any case. */
  forMs: number;
  /** The number of the first input. */
  first: number;
  /** Faults of the target: each is planted and searched for before the real inputs are tried. */
  plants?: readonly string[];
  /** A fault that any target can have, which is planted when they are. */
  general?: string;
  /**
   * When it ends whatever is being done, in ms of the monotonic clock (`performance.now()`); the process has CLOSING_MS after
   * that. What isn't found by then is not in the result.
   */
  endsAt?: number;
}

export interface Finding {
  /** The number of the input. */
  number: number;
  what: string;
  /** The input, shortened. */
  input: string;
}

export interface FuzzResult {
  /** Inputs that were tried in earnest. */
  tried: number;
  /** The most memory of the process and its children, in bytes. */
  peakBytes: number;
  finding?: Finding;
  /** The findings about each planted fault. */
  planted: ReadonlyMap<string, string>;
}

/** What is known about the process that tries inputs. */
interface Watched {
  child: ChildProcess;
  /** The number of the input that is being tried; undefined while the target is being opened. */
  trying: number | undefined;
  /** Since when, in ms of the monotonic clock. */
  since: number;
  /** Since when inputs are tried in earnest. */
  startedAt: number | undefined;
  tried: number;
  planted: Map<string, string>;
  wrong: { number: number; what: string } | undefined;
  /** The end of the process's standard error. */
  errors: string;
  hasEnded: boolean;
  ended: Promise<unknown>;
}

const CHILD = join(import.meta.dirname, 'child.ts');
/** The heap is small, so that the process's memory is what is in use, without garbage that was not collected yet. */
const NODE_FLAGS = ['--max-old-space-size=160', '--max-semi-space-size=2'];
const LOOK_MS = 25;
/** How long opening a target may take, which may build programs, and closing it. */
const OPEN_MS = 120_000;
/** How long a process may take to close after `endsAt`. */
export const CLOSING_MS = 5_000;

/** Tries inputs until the time is over or something is found. Rejects when the target can't be opened or closed. */
export async function fuzz(target: Target<unknown>, options: FuzzOptions): Promise<FuzzResult> {
  const watched = start(target, options);
  try {
    const { peakBytes, wrong } = await watch(watched, target, options);
    const { tried, planted } = watched;
    if (wrong === undefined) return { tried, planted, peakBytes };
    const input = showInput(inputOf(target, wrong.number));
    return { tried, planted, peakBytes, finding: { ...wrong, input } };
  } finally {
    if (!watched.hasEnded) killGroup(watched.child.pid);
  }
}

function start(target: Target<unknown>, { first, plants = [], general }: FuzzOptions): Watched {
  const task: Task = { plants, general };
  const args = [target.name, String(first), JSON.stringify(task)];
  const stdio = ['ignore', 'ignore', 'pipe', 'ipc'] as const;
  const child = fork(CHILD, args, { stdio: [...stdio], detached: true, execArgv: NODE_FLAGS });
  const watched: Watched = {
    ...{ child, trying: undefined, since: performance.now(), wrong: undefined, errors: '' },
    ...{ startedAt: undefined, tried: 0, planted: new Map<string, string>() },
    ...{ hasEnded: false, ended: once(child, 'exit') },
  };
  child.once('exit', () => {
    watched.hasEnded = true;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    watched.errors = (watched.errors + text).slice(-2_000);
  });
  child.on('message', (said: Said) => heard(watched, said));
  return watched;
}

function heard(watched: Watched, said: Said): void {
  watched.since = performance.now();
  if ('found' in said) watched.planted.set(said.found, said.what);
  else if ('wrong' in said) watched.wrong = { number: said.wrong, what: said.what };
  else {
    watched.trying = said.trying;
    if (said.plant !== undefined) return;
    watched.startedAt ??= watched.since;
    watched.tried++;
  }
}

async function watch(
  watched: Watched,
  { name, limits }: Target<unknown>,
  { forMs, endsAt = Number.POSITIVE_INFINITY }: FuzzOptions,
): Promise<{ peakBytes: number; wrong?: NonNullable<Watched['wrong']> }> {
  const { child, ended } = watched;
  let peakBytes = 0;
  let isStopping = false;
  const stop = () => {
    isStopping = true;
    if (child.connected) child.send('stop');
  };
  while (!watched.hasEnded) {
    await Promise.race([delay(LOOK_MS), ended]);
    const now = performance.now();
    const { trying: number, since, startedAt } = watched;
    if (now > endsAt + CLOSING_MS) return { peakBytes };
    if (now > endsAt && !isStopping) stop();
    if (number === undefined) {
      if (now - since > OPEN_MS) throw new Error(`${name} is not open after ${OPEN_MS} ms`);
      continue;
    }
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
    } else if (startedAt !== undefined && now - startedAt > forMs) {
      stop();
    }
  }
  const { trying: number, errors } = watched;
  if (watched.wrong !== undefined) return { peakBytes, wrong: watched.wrong };
  if (child.exitCode === 0) return { peakBytes };
  if (number === undefined) throw new Error(`${name} cannot be opened: ${errors}`);
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
