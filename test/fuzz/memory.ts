// The most memory that a process and its children took, according to the kernel (proc(5); Linux only).
import { readdir, readFile } from 'node:fs/promises';

interface Status {
  pid: number;
  parent: number;
  /** The most that it ever had in memory, in bytes. */
  peakBytes: number;
}

/** The most that the process and its descendants of now ever had in memory, added up, in bytes. */
export async function peakOf(pid: number): Promise<number> {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const all = (await Promise.all(names.map(statusOf))).filter((it) => it !== undefined);
  const family = new Set([pid]);
  // A child has a higher number than its parent, unless numbers have started again; then a later measurement finds it.
  for (const it of all.toSorted((a, b) => a.pid - b.pid)) {
    if (family.has(it.parent)) family.add(it.pid);
  }
  return all.filter((it) => family.has(it.pid)).reduce((sum, { peakBytes }) => sum + peakBytes, 0);
}

async function statusOf(pid: string): Promise<Status | undefined> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1]);
  const peakKiB = field('VmHWM');
  if (!Number.isFinite(peakKiB)) return undefined;
  return { pid: Number(pid), parent: field('PPid'), peakBytes: peakKiB * 1024 };
}
