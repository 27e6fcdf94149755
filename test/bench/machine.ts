import { cpus, loadavg, release, totalmem } from 'node:os';
import { run } from '@weir/cluster';

/** What a result was measured on. */
export interface Machine {
  cpu: string;
  cores: number;
  memoryBytes: number;
  /** Of the kernel. */
  linux: string;
  node: string;
  /** Of git, which serves the repositories and which Weir fetches with. */
  git: string;
  /** Processes that wanted to run in the minute before: others' work, if it isn't near zero. */
  loadBefore: number;
  at: string;
}

export async function describeMachine(): Promise<Machine> {
  const all = cpus();
  const { stdout } = await run('git', ['--version']);
  return {
    cpu: all[0]?.model ?? 'unknown',
    cores: all.length,
    memoryBytes: totalmem(),
    linux: release(),
    node: process.version,
    git: stdout.trim().replace(/^git version /, ''),
    loadBefore: loadavg()[0] ?? 0,
    at: new Date().toISOString(),
  };
}
