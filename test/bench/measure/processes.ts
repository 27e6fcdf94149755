// CPU time and memory of processes and all that they started, from /proc (proc(5); Linux only).
import { readdir, readFile } from 'node:fs/promises';

/** What a process and all that it started have used up to a moment. */
export interface ProcessUse {
  pid: number;
  /** The process and all that it started and that run now. */
  family: number[];
  /** CPU time, user and system, since its start, children that ended included. */
  cpuSeconds: number;
  /** Memory that is resident, added up over the processes; what they share counts for each. */
  residentBytes: number;
  /** The part of it that is its children's. */
  childrenBytes: number;
}

/** USER_HZ, the unit of times in /proc: 100 on every architecture that Linux runs Node on. */
const TICKS_PER_SECOND = 100;
/** Of memory; 4 KiB wherever Node's own builds for Linux run, with few exceptions. */
const PAGE_BYTES = 4096;

interface Stat {
  pid: number;
  parent: number;
  ticks: number;
  /** Bytes. */
  resident: number;
}

/** What the processes have used so far, by the names given; one that is gone is left out. */
export async function processUse(
  pids: Readonly<Record<string, number>>,
): Promise<Record<string, ProcessUse>> {
  const all = await readStats();
  const entries = Object.entries(pids).filter(([, pid]) => all.some((stat) => stat.pid === pid));
  const used = entries.map(([name, pid]) => {
    const family = withDescendants(all, pid);
    const [own = 0, ...children] = family.map(({ resident }) => resident);
    const childrenBytes = sum(children);
    const cpuSeconds = sum(family.map(({ ticks }) => ticks)) / TICKS_PER_SECOND;
    const pids = family.map((stat) => stat.pid);
    const residentBytes = own + childrenBytes;
    return [name, { pid, family: pids, cpuSeconds, residentBytes, childrenBytes }] as const;
  });
  return Object.fromEntries(used);
}

/** CPU seconds used between two looks, by name; a process that was started in between counts from its start. */
export function cpuBetween(
  before: Readonly<Record<string, ProcessUse>>,
  after: Readonly<Record<string, ProcessUse>>,
): Record<string, number> {
  const used = Object.entries(after).map(([name, { pid, cpuSeconds }]) => {
    const earlier = before[name];
    return [name, cpuSeconds - (earlier?.pid === pid ? earlier.cpuSeconds : 0)];
  });
  return Object.fromEntries(used);
}

async function readStats(): Promise<Stat[]> {
  const names = await readdir('/proc');
  const pids = names.filter((name) => /^\d+$/.test(name)).map(Number);
  const stats = await Promise.all(pids.map(readStat));
  return stats.filter((stat) => stat !== undefined);
}

async function readStat(pid: number): Promise<Stat | undefined> {
  const text = await readIfThere(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  // The name, in parentheses, may hold anything; the fields that follow it start with the third.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const field = (number: number) => Number(fields[number - 3]);
  const ticks = field(14) + field(15) + field(16) + field(17);
  return { pid, parent: field(4), ticks, resident: field(24) * PAGE_BYTES };
}

function withDescendants(all: readonly Stat[], pid: number): Stat[] {
  const own = all.filter((stat) => stat.pid === pid);
  const children = all.filter((stat) => stat.parent === pid);
  return [...own, ...children.flatMap((child) => withDescendants(all, child.pid))];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

export function readIfThere(path: string): Promise<string | undefined> {
  return ifThere(readFile(path, 'utf8'));
}

/** Processes may end while we look: then it gives undefined. */
export async function ifThere<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}
