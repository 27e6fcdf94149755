// `npm run chaos -w @weir/chaos`: commits changes while services are stopped and killed at random. Afterwards the cluster,
// the inventories and the alerts must be as the last commit says. Exits with 1 and lists the differences when they aren't.
import { parseArgs } from 'node:util';
import { audit } from './audit.ts';
import { commitRepeatedly, restartServices } from './disturbances.ts';
import { type Environment, startEnvironment } from './environment.ts';
import { createModel } from './model.ts';
import { randomFrom } from './random.ts';

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
  const environment = await startEnvironment(started, { apps, keep: values.keep });
  const model = createModel(apps, random);
  await settle(environment, await model.change(environment.repository, 'all'));
  const calm = await environment.memory();

  const until = performance.now() + seconds * 1000;
  const [commits, endings] = await Promise.all([
    commitRepeatedly(environment, model, { random, until }),
    values.calm ? [] : restartServices(environment, { random, until }),
  ]);
  say(
    `${commits.length} commits; ${endings.length} processes ended: ${endings.join(' ') || 'none'}`,
  );
  const last = await model.change(environment.repository, 'all');
  const seconds0 = performance.now();
  await settle(environment, last);
  say(`settled ${((performance.now() - seconds0) / 1000).toFixed(1)} s after the last commit`);

  const report = await audit(environment, model, last);
  for (const line of report.facts) say(line);
  say(`memory before: ${calm}`);
  say(`memory after:  ${await environment.memory()}`);
  for (const fault of report.faults) process.stderr.write(`WRONG: ${fault}\n`);
  if (report.faults.length > 0) process.exitCode = 1;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
} finally {
  await started.disposeAsync();
}

async function settle(environment: Environment, commit: string): Promise<void> {
  await environment.settled(commit, 60_000);
}
