// `npm run bench`: measures Weir and its peers, and prints the results. Each leg of each system runs on a control plane of
// its own, one after the other.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { overBudget } from './budgets.ts';
import { SCENARIOS, SYSTEMS } from './catalogue.ts';
import { describeMachine } from './machine.ts';
import { type Options, readOptions, UsageError, usage } from './options.ts';
import { type Leg, planLegs, takesPart } from './plan.ts';
import { plots } from './plots.ts';
import { markdown } from './report/markdown.ts';
import { formatComparison, formatMachine, formatMeasurement } from './report/text.ts';
import type { Results } from './results.ts';
import { type RunOptions, runLeg } from './run.ts';
import type { System } from './system.ts';

const PEERS = SYSTEMS.filter(({ name }) => name !== 'weir').map(({ name }) => name);

async function main(options: Options, signal: AbortSignal): Promise<void> {
  const systems = SYSTEMS.filter(({ name }) => name === 'weir' || options.peers.includes(name));
  const scenarios = SCENARIOS.filter(({ name }) => options.scenarios.includes(name));
  const results: Results = {
    machine: await describeMachine(),
    command: ['npm run bench --', ...process.argv.slice(2)].join(' '),
    systems: await Promise.all(systems.map((system) => system.describe())),
    clients: Object.fromEntries(systems.map(({ name, clients }) => [name, clients])),
    results: [],
  };
  process.stdout.write(formatMachine(results.machine));
  for (const leg of planLegs(scenarios, options.apps)) {
    for (const system of systems.filter((each) => takesPart(each, leg, options))) {
      await measure(system, leg, options, signal, async (measurement, platform) => {
        results.platform = platform;
        results.results.push({ system: system.name, measurement });
        process.stdout.write(`\n${formatMeasurement(system, measurement)}`);
        // The results are written after each measurement, so that they are kept when the next one fails.
        if (options.out !== undefined) await write(results, options.out);
      });
    }
  }
  process.stdout.write(`\n${formatComparison(results)}`);
  if (options.check) check(results);
}

function measure(
  system: System,
  leg: Leg,
  options: Options,
  signal: AbortSignal,
  measured: RunOptions['measured'],
): Promise<void> {
  const what = leg.kind === 'own' ? leg.scenario.name : 'apps';
  const progress = (line: string) =>
    process.stderr.write(`${system.name}, ${leg.apps} ${what}: ${line}\n`);
  return runLeg(system, leg, { ...options, progress, measured, signal });
}

async function write(results: Results, out: string): Promise<void> {
  await mkdir(out, { recursive: true });
  const files = {
    'results.json': `${JSON.stringify(results, null, 2)}\n`,
    'results.md': markdown(results),
    ...plots(results),
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(out, name), content);
}

function check(results: Results): void {
  const over = overBudget(results);
  for (const line of over) process.stderr.write(`over budget: ${line}\n`);
  if (over.length > 0) process.exitCode = 1;
}

/** A signal that aborts at the first SIGINT or SIGTERM. A second one ends the process at once. */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(1);
    controller.abort();
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  return controller.signal;
}

const known = { scenarios: SCENARIOS, peers: PEERS };
const signal = stopSignal();
try {
  const options = readOptions(process.argv.slice(2), known);
  if (options.help) process.stdout.write(usage(known));
  else await main(options, signal);
} catch (error) {
  if (error instanceof UsageError) {
    process.stderr.write(`${error.message}\n\n${usage(known)}`);
    process.exitCode = 2;
  } else if (signal.aborted) {
    process.stderr.write('interrupted\n');
    // A scenario may still wait for something that no longer happens, so the process is ended here.
    process.exit(130);
  } else {
    throw error;
  }
}
