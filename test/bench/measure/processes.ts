// CPU time and memory of processes and their children, from /proc (proc(5); Linux only).
import { readdir, readFile } from 'node:fs/promises';

/** What a process and all its descendants have used up to one moment. */
export interface ProcessUse {
  pid: number;
  /** The ids of the process and of its descendants that run now. */
  family: number[];
  /** User and system CPU time since the start of the process, including that of children that have ended. */
  cpuSeconds: number;
  /** Resident memory, added up over the processes. Shared pages count once for each process. */
  residentBytes: number;
  /** The part of `residentBytes` that belongs to the descendants. */
  childrenBytes: number;
}

/** USER_HZ, the unit of times in /proc: 100 on every architecture that Linux runs Node on. */
const TICKS_PER_SECOND = 100;
/** The size of a page of memory: 4 KiB on nearly all machines that Node's builds for Linux run on. */
const PAGE_BYTES = 4096;

interface Stat {
  pid: number;
  parent: number;
  ticks: number;
  /** Bytes. */
  resident: number;
}

/** What the processes have used so far, by the given names. A process that has ended is left out. */
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

/** The CPU seconds used between two readings, by name. A process that was started in between counts from its start. */
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
  // The second field, the name in parentheses, may contain any character, so fields are split after its last parenthesis.
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

/** The result of reading, or undefined when the process ended before it was read. */
export async function ifThere<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}
