// `npm run fuzz -- [--minutes N] [--seed N] [--input N] [name...]`: tries random inputs on what reads things from outside.
import { parseArgs } from 'node:util';
import { inputOf, showInput } from './inputs.ts';
import { fuzz } from './run.ts';
import { type AnyTarget, TARGETS } from './targets.ts';

const MINUTES = 10;
/** Numbers of inputs of different targets and runs are far apart, so that they are others each time. */
const SEEDS = 2 ** 31;

const names = TARGETS.map(({ name, about }) => `  ${name.padEnd(16)} ${about}`).join('\n');
const USAGE = `npm run fuzz -- [flags] [name...]

  --minutes N   how long, over all targets (${MINUTES})
  --seed N      the number of the first input (random)
  --input N     tries the input of that number alone, and shows it

Targets, all unless named:
${names}
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: 'string', default: String(MINUTES) },
    seed: { type: 'string' },
    input: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

function numberOf(text: string, flag: string): number {
  const number = Number(text);
  if (Number.isFinite(number) && number >= 0 && text !== '') return number;
  throw new Error(`--${flag} wants a number, not ${text}`);
}

async function main(): Promise<void> {
  const strangers = positionals.filter((name) => TARGETS.every((it) => it.name !== name));
  if (values.help || strangers.length > 0) {
    process.stdout.write(USAGE);
    if (strangers.length > 0) throw new Error(`there is no target ${strangers.join(', ')}`);
    return;
  }
  const chosen = TARGETS.filter(
    ({ name }) => positionals.length === 0 || positionals.includes(name),
  );
  if (values.input !== undefined) {
    const number = numberOf(values.input, 'input');
    for (const target of chosen) {
      process.stdout.write(
        `${target.name}, input ${number}: ${showInput(inputOf(target, number))}\n`,
      );
      await report(target, 1, number);
    }
    return;
  }
  const seed = values.seed ? numberOf(values.seed, 'seed') : Math.floor(Math.random() * SEEDS);
  const eachMs = (numberOf(values.minutes, 'minutes') * 60_000) / chosen.length;
  for (const target of chosen) await report(target, eachMs, seed);
}

async function report(target: AnyTarget, forMs: number, first: number): Promise<void> {
  const { tried, peakBytes, finding } = await fuzz(target, { forMs, first });
  const peak = `${Math.round(peakBytes / 1024 ** 2)} MiB at most`;
  process.stdout.write(`${target.name}: ${tried} inputs from ${first} on, ${peak}\n`);
  if (finding === undefined) return;
  const { number, what, input } = finding;
  const again = `npm run fuzz -- --input ${number} ${target.name}`;
  process.stdout.write(`FOUND with input ${number}: ${what}\n${input}\nagain: ${again}\n`);
  process.exitCode = 1;
}

await main();
