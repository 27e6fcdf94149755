// CPU time and memory of processes and all that they started, from /proc (proc(5); Linux only).
import { readdir, readFile } from 'node:fs/promises';

export interface ProcessUse {
  /** CPU time, user and system, since its start, children that ended included. */
  cpuSeconds: number;
  /** The most memory that was resident, added up over the processes that live now. */
  peakBytes: number;
  /** The part of `peakBytes` that is its children's. */
  childrenBytes: number;
}

/** USER_HZ, the unit of times in /proc: 100 on every architecture that Linux runs Node on. */
const TICKS_PER_SECOND = 100;

interface Stat {
  pid: number;
  parent: number;
  ticks: number;
}

/** What the processes have used so far, by the names given; one that is gone is left out. */
export async function processUse(
  pids: Readonly<Record<string, number>>,
): Promise<Record<string, ProcessUse>> {
  const all = await readStats();
  const entries = Object.entries(pids).filter(([, pid]) => all.some((stat) => stat.pid === pid));
  const used = entries.map(async ([name, pid]) => {
    const family = withDescendants(all, pid);
    const [own = 0, ...children] = await Promise.all(family.map((stat) => peakOf(stat.pid)));
    const childrenBytes = sum(children);
    const cpuSeconds = sum(family.map(({ ticks }) => ticks)) / TICKS_PER_SECOND;
    return [name, { cpuSeconds, peakBytes: own + childrenBytes, childrenBytes }] as const;
  });
  return Object.fromEntries(await Promise.all(used));
}

/** What was used between two looks; peaks are those of the second one. */
export function useBetween(
  before: Readonly<Record<string, ProcessUse>>,
  after: Readonly<Record<string, ProcessUse>>,
): Record<string, ProcessUse> {
  return Object.fromEntries(
    Object.entries(after).map(([name, use]) => [
      name,
      { ...use, cpuSeconds: use.cpuSeconds - (before[name]?.cpuSeconds ?? 0) },
    ]),
  );
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
  return { pid, parent: field(4), ticks: field(14) + field(15) + field(16) + field(17) };
}

function withDescendants(all: readonly Stat[], pid: number): Stat[] {
  const own = all.filter((stat) => stat.pid === pid);
  const children = all.filter((stat) => stat.parent === pid);
  return [...own, ...children.flatMap((child) => withDescendants(all, child.pid))];
}

async function peakOf(pid: number): Promise<number> {
  const text = await readIfThere(`/proc/${pid}/status`);
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(text ?? '')?.[1] ?? 0) * 1024;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Processes may end while we look. */
async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}
