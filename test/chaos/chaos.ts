// `npm run chaos -w @weir/chaos`: commits flow while services are stopped and killed at random; afterwards the
// cluster, the inventories and the alerts must be what the last commit says. Exits 1 with what is not.
import { parseArgs } from 'node:util';
import { audit } from './audit.ts';
import { type Ground, startGround } from './ground.ts';
import { createModel } from './model.ts';
import { randomFrom } from './random.ts';
import { commitsFlow, servicesFall } from './storm.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '90' },
    apps: { type: 'string', default: '12' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    calm: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
});
const seconds = Number(values.seconds);
const apps = Number(values.apps);
const seed = Number(values.seed);
if (!(seconds > 0) || !(apps > 0) || !Number.isInteger(seed)) {
  process.stderr.write('Usage: chaos [--seconds=90] [--apps=12] [--seed=<n>] [--calm] [--keep]\n');
  process.exit(2);
}

const say = (line: string): void => console.log(line);
const started = new AsyncDisposableStack();
process.once('SIGINT', () => void started.disposeAsync().then(() => process.exit(130)));

try {
  say(`${apps} apps, ${seconds} s, seed ${seed}`);
  const random = randomFrom(seed);
  const ground = await startGround(started, { apps, keep: values.keep });
  const model = createModel(apps, random);
  await settle(ground, await model.change(ground.repository, 'all'));
  const calm = await ground.memory();

  const until = performance.now() + seconds * 1000;
  const [commits, falls] = await Promise.all([
    commitsFlow(ground, model, { random, until }),
    values.calm ? [] : servicesFall(ground, { random, until }),
  ]);
  say(`${commits.length} commits; ${falls.length} processes ended: ${falls.join(' ') || 'none'}`);
  const last = await model.change(ground.repository, 'all');
  const seconds0 = performance.now();
  await settle(ground, last);
  say(`settled ${((performance.now() - seconds0) / 1000).toFixed(1)} s after the last commit`);

  const report = await audit(ground, model, last);
  for (const line of report.facts) say(line);
  say(`memory before: ${calm}`);
  say(`memory after:  ${await ground.memory()}`);
  for (const fault of report.faults) process.stderr.write(`WRONG: ${fault}\n`);
  if (report.faults.length > 0) process.exitCode = 1;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
} finally {
  await started.disposeAsync();
}

async function settle(ground: Ground, commit: string): Promise<void> {
  await ground.settled(commit, 60_000);
}
