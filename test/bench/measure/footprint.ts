// How much memory several processes use together. The pages of a program that runs several times are counted once.
import { readlink } from 'node:fs/promises';
import { ifThere, readIfThere } from './processes.ts';

/** The memory of one process, in bytes. */
interface Mapped {
  program: string;
  /** Its own memory, such as heaps and stacks. A page that it shares with a forked process counts in part. */
  own: number;
  /** The pages of mapped files, nearly all of them those of the program. */
  files: number;
}

/**
 * The memory of the processes together, in bytes: the own memory of each, and the pages of each program once (those of
 * the process that has most of them resident). This is what they need when they run on one node.
 */
export async function footprintOf(pids: readonly number[]): Promise<number> {
  const all = (await Promise.all(pids.map(mappedBy))).filter(isThere);
  const programs = Map.groupBy(all, ({ program }) => program);
  const files = [...programs.values()].map((each) => Math.max(...each.map((one) => one.files)));
  return sum(all.map(({ own }) => own)) + sum(files);
}

/** Undefined for a process that has ended or is about to end. */
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
