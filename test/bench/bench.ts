// `npm run bench`: measures, prints, and judges nothing. Each scenario gets a control plane of its own.
import { writeFile } from 'node:fs/promises';
import { openGround } from './ground.ts';
import { describeMachine, type Machine } from './machine.ts';
import { type Options, readOptions, USAGE, UsageError } from './options.ts';
import { formatMachine, formatMeasurement } from './report.ts';
import type { Measurement, Scenario } from './scenario.ts';
import { commit } from './scenarios/commit.ts';
import { scale } from './scenarios/scale.ts';
import type { System } from './system.ts';
import { weir } from './systems/weir.ts';

const SYSTEMS: readonly System[] = [weir];
const SCENARIOS: readonly Scenario[] = [commit, scale];

interface Result {
  system: string;
  scenario: string;
  machine: Machine;
  measurements: Measurement[];
}

async function main(options: Options): Promise<void> {
  const results: Result[] = [];
  for (const scenario of SCENARIOS.filter(({ name }) => options.scenarios.includes(name))) {
    for (const system of SYSTEMS) {
      const result = await measure(system, scenario, options);
      results.push(result);
      process.stdout.write(`\n${formatMachine(result.machine)}`);
      for (const measurement of result.measurements) {
        process.stdout.write(`\n${formatMeasurement(system.name, measurement)}`);
      }
    }
  }
  if (options.json !== undefined) {
    await writeFile(options.json, `${JSON.stringify(results, null, 2)}\n`);
  }
}

async function measure(system: System, scenario: Scenario, options: Options): Promise<Result> {
  const { rounds, apps, cpuProfiles } = options;
  const progress = (line: string) =>
    process.stderr.write(`${scenario.name}, ${system.name}: ${line}\n`);
  const started = new AsyncDisposableStack();
  try {
    progress('starting a control plane');
    const ground = await openGround(started);
    const machine = await describeMachine(ground);
    progress('starting the system');
    const running = await system.start(ground, { cpuProfiles });
    started.defer(() => running.close());
    const measurements = await scenario.run({ ground, system: running, rounds, apps, progress });
    return { system: system.name, scenario: scenario.name, machine, measurements };
  } finally {
    await started.disposeAsync();
  }
}

try {
  const names = SCENARIOS.map(({ name }) => name);
  const options = readOptions(process.argv.slice(2), names);
  if (options.help) process.stdout.write(USAGE);
  else await main(options);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message}\n\n${USAGE}`);
  process.exitCode = 2;
}
