import { type ChildProcess, execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { cacheFolder } from '@weir/render/gobuild';

export interface Peak {
  stdout: string;
  /** The most that the process and all that descend from it had in memory at the same time, in bytes. */
  peakBytes: number;
  /** What each of them had then, for a message. */
  processes: string;
}

/** How often memory is looked at. What comes and goes in between is missed, as it is by who ends a pod. */
const EVERY_MS = 20;
const PAGE = 4096;

/** Runs a Node program to its end and measures what it and its children take (Linux). */
export async function runMeasured(script: string, args: string[]): Promise<Peak> {
  // As in the image (Dockerfile), with the heap that Node allows itself where there is 1 GiB.
  const flags = ['--max-semi-space-size=2', '--max-old-space-size=512'];
  const running = promisify(execFile)(process.execPath, [...flags, script, ...args], {
    env: {
      ...process.env,
      MALLOC_ARENA_MAX: '2',
      NODE_COMPILE_CACHE: join(cacheFolder(), 'node'),
    },
    maxBuffer: 1024 ** 2,
  });
  const child: ChildProcess = running.child;
  const look = familyOf(child.pid ?? 0);
  let peakBytes = 0;
  let processes = '';
  let ended = false;
  const watching = (async () => {
    while (!ended) {
      const family = await look();
      const bytes = family.reduce((sum, one) => sum + one.bytes, 0);
      if (bytes > peakBytes) {
        peakBytes = bytes;
        processes = family
          .map((one) => `${one.name} ${Math.round(one.bytes / 1024 ** 2)} MiB`)
          .join(', ');
      }
      await delay(EVERY_MS);
    }
  })();
  try {
    const { stdout } = await running;
    return { stdout, peakBytes, processes };
  } finally {
    ended = true;
    await watching;
  }
}

interface Member {
  pid: number;
  parent: number;
  name: string;
  bytes: number;
}

/**
 * A look at a process and all that descend from it. Nobody becomes a descendant later than at birth, so that the other
 * processes of a machine, of which there are hundreds, are read once and not at every look.
 */
function familyOf(root: number): () => Promise<Member[]> {
  let strangers = new Set<string>();
  return async () => {
    const numbers = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    // A number that is gone from the list may come back as another process.
    strangers = new Set(numbers.filter((name) => strangers.has(name)));
    const unknown = numbers.filter((name) => !strangers.has(name));
    const all = (await Promise.all(unknown.map(readMember))).filter((one) => one !== undefined);
    const family = all.filter(({ pid }) => pid === root);
    for (const member of family) family.push(...all.filter(({ parent }) => parent === member.pid));
    const members = new Set(family);
    for (const one of all) if (!members.has(one)) strangers.add(String(one.pid));
    return family;
  };
}

/** Fields of /proc/<pid>/stat (proc_pid_stat(5)): the name is in parentheses, field 4 the parent, 24 the pages in memory. */
async function readMember(pid: string): Promise<Member | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined);
  if (text === undefined) return undefined;
  const end = text.lastIndexOf(')');
  const fields = text.slice(end + 2).split(' ');
  const name = text.slice(text.indexOf('(') + 1, end);
  return { pid: Number(pid), parent: Number(fields[1]), name, bytes: Number(fields[21]) * PAGE };
}
