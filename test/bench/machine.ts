import { cpus, loadavg, release, totalmem } from 'node:os';
import { run } from '@weir/cluster';

/** The machine and the programs that a result was measured with. */
export interface Machine {
  cpu: string;
  cores: number;
  memoryBytes: number;
  /** The version of the kernel. */
  linux: string;
  node: string;
  /** The version of git, which serves the repositories and by which Weir fetches. */
  git: string;
  /** The load average of the minute before the run. If it isn't near zero, other work disturbed the measurement. */
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
