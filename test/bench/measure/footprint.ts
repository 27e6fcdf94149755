// What processes need of a machine's memory together, a program that runs twice counted once.
import { readlink } from 'node:fs/promises';
import { ifThere, readIfThere } from './processes.ts';

/** Bytes. */
interface Mapped {
  program: string;
  /** What is the process' own: its heaps and stacks. Pages that a fork still shares are divided. */
  own: number;
  /** Pages of files: of the program, nearly all of them. */
  files: number;
}

/**
 * Bytes that the processes hold together now: what is each one's own, and the pages of each
 * program once, as many as the process has that touched most of it. So it is on a node that runs them side by side.
 */
export async function footprintOf(pids: readonly number[]): Promise<number> {
  const all = (await Promise.all(pids.map(mappedBy))).filter(isThere);
  const programs = Map.groupBy(all, ({ program }) => program);
  const files = [...programs.values()].map((each) => Math.max(...each.map((one) => one.files)));
  return sum(all.map(({ own }) => own)) + sum(files);
}

/** Undefined of a process that has ended, or is about to. */
async function mappedBy(pid: number): Promise<Mapped | undefined> {
  const program = await ifThere(readlink(`/proc/${pid}/exe`));
  const text = await readIfThere(`/proc/${pid}/smaps_rollup`);
  if (program === undefined || text === undefined) return undefined;
  const bytes = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * 1024;
  return { program, own: bytes('Pss_Anon'), files: bytes('Rss') - bytes('Anonymous') };
}

function isThere(mapped: Mapped | undefined): mapped is Mapped {
  return mapped !== undefined;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
