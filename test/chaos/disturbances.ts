import { setTimeout as delay } from 'node:timers/promises';
import type { Environment } from './environment.ts';
import type { Model } from './model.ts';
import { pick, type Random } from './random.ts';

interface DisturbanceOptions {
  random: Random;
  /** The end, as a time of `performance.now()` in ms. */
  until: number;
}

/** Commits a change every 0.1 to 0.9 s. Returns the SHA-1 of the commits. */
export async function commitRepeatedly(
  { repository }: Environment,
  model: Model,
  { random, until }: DisturbanceOptions,
): Promise<string[]> {
  const commits: string[] = [];
  while (performance.now() < until) {
    commits.push(await model.change(repository, 'one'));
    await delay(100 + random() * 800);
  }
  return commits;
}

/** Ends one process after the other, half of them with SIGKILL, and starts it again; gives which. */
export async function restartServices(
  environment: Environment,
  { random, until }: DisturbanceOptions,
): Promise<string[]> {
  const endings: string[] = [];
  while (performance.now() < until) {
    await delay(300 + random() * 2_000);
    const index = pick([...environment.processes.keys()], random);
    const kill = random() < 0.5;
    endings.push(`${kill ? 'kill' : 'stop'}:${environment.role(index)}`);
    const process = environment.processes[index];
    await (kill ? process?.kill() : process?.stop());
    await delay(random() * 1_000);
    await environment.restart(index);
  }
  return endings;
}
