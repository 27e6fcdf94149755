import { setTimeout as delay } from 'node:timers/promises';
import type { Ground } from './ground.ts';
import type { Model } from './model.ts';
import { pick, type Random } from './random.ts';

interface Storm {
  random: Random;
  /** By `performance.now()`. */
  until: number;
}

/** Commits a change every 0.1 to 0.9 s; gives the commits. */
export async function commitsFlow(
  { repository }: Ground,
  model: Model,
  { random, until }: Storm,
): Promise<string[]> {
  const commits: string[] = [];
  while (performance.now() < until) {
    commits.push(await model.change(repository, 'one'));
    await delay(100 + random() * 800);
  }
  return commits;
}

/** Ends one process after the other, half of them with SIGKILL, and starts it again; gives which. */
export async function servicesFall(ground: Ground, { random, until }: Storm): Promise<string[]> {
  const falls: string[] = [];
  while (performance.now() < until) {
    await delay(300 + random() * 2_000);
    const index = pick([...ground.processes.keys()], random);
    const kill = random() < 0.5;
    falls.push(`${kill ? 'kill' : 'stop'}:${ground.role(index)}`);
    const victim = ground.processes[index];
    await (kill ? victim?.kill() : victim?.stop());
    await delay(random() * 1_000);
    await ground.restart(index);
  }
  return falls;
}
