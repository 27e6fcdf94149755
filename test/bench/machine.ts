import { cpus, loadavg, release, totalmem } from 'node:os';
import type { Ground } from './ground.ts';

/** What a result was measured on. */
export interface Machine {
  cpu: string;
  cores: number;
  memoryBytes: number;
  /** Of the kernel. */
  linux: string;
  node: string;
  kubernetes: string;
  /** Processes that wanted to run in the minute before: others' work, if it isn't near zero. */
  loadBefore: number;
  at: string;
}

export async function describeMachine({ client }: Ground): Promise<Machine> {
  const version = await client.request<{ gitVersion: string }>({ method: 'GET', path: '/version' });
  const all = cpus();
  return {
    cpu: all[0]?.model ?? 'unknown',
    cores: all.length,
    memoryBytes: totalmem(),
    linux: release(),
    node: process.version,
    kubernetes: version.gitVersion,
    loadBefore: loadavg()[0] ?? 0,
    at: new Date().toISOString(),
  };
}
