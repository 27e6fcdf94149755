// What the commands of all conformance suites do the same: their options, the folder for logs, and what is printed at the end.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { describeResult, type Result, type Verdict } from './result.ts';

/** The options that all suites have. */
export const OPTIONS = {
  record: { type: 'boolean', default: false },
  all: { type: 'boolean', default: false },
  crds: { type: 'string' },
  concurrency: { type: 'string', default: '24' },
  logs: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const satisfies ParseArgsOptionsConfig;

/** What `--help` says of them, and of those of the suite. */
export function usageOf(command: string, own: Readonly<Record<string, string>> = {}): string {
  const lines = Object.entries({
    record: "play against Flux's controllers and write down what they do",
    ...own,
    'crds FILE': 'definitions to use for kinds that Weir does not serve',
    all: 'print also what differs on purpose',
    'concurrency N': 'fixtures at a time (24)',
    'logs DIR': 'keep logs there',
  }).map(([option, about]) => `  --${option.padEnd(15)} ${about}\n`);
  return `${command} [-- [options] [part of a fixture's name]...]\n${lines.join('')}`;
}

/** How a suite plays its fixtures. */
export interface Playing {
  /** The folder for logs and caches. */
  dir: string;
  concurrency: number;
  /** A file with definitions. */
  crds?: string;
}

/** One suite, as its command runs it. */
export interface Suite {
  /** The command line without options. */
  command: string;
  /** What its own options are for, by their names. */
  options?: Readonly<Record<string, string>>;
  /** Runs one of its own options if it is set, and returns whether it did. */
  instead?(chosen: ReadonlySet<string>): Promise<boolean>;
  /** The names of fixtures whose names contain one of these texts; of all when empty. */
  load(only: readonly string[]): Promise<readonly string[]>;
  /** Records all fixtures that were loaded, and returns the names of those that could not be played. */
  record(playing: Playing): Promise<readonly string[]>;
  /** Plays all fixtures that were loaded. */
  check(
    playing: Playing,
    each: (result: Result) => void,
    chosen: ReadonlySet<string>,
  ): Promise<void>;
  /** Names of recordings. */
  recordings(): readonly string[];
}

/** Runs the command. Resolves with its exit code. */
export async function runSuite(suite: Suite): Promise<number> {
  const own = Object.keys(suite.options ?? {});
  const switches = own.map((name) => [name, { type: 'boolean', default: false }] as const);
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { ...Object.fromEntries(switches), ...OPTIONS },
  });
  const given: Readonly<Record<string, unknown>> = values;
  const chosen = new Set(own.filter((name) => given[name] === true));
  if (values.help) {
    process.stdout.write(usageOf(suite.command, suite.options));
    return 0;
  }
  if (await suite.instead?.(chosen)) return 0;
  const names = await suite.load(positionals);
  const dir = values.logs ?? (await mkdtemp(join(tmpdir(), 'weir-conformance-')));
  const { crds, all } = values;
  const playing = {
    ...{ dir, concurrency: Number(values.concurrency) },
    ...(crds === undefined ? {} : { crds }),
  };
  try {
    if (values.record) {
      const failed = await suite.record(playing);
      print(`recorded ${names.length - failed.length}, failed ${failed.length}`);
      return failed.length === 0 ? 0 : 1;
    }
    const startedAt = performance.now();
    const results: Result[] = [];
    const each = (result: Result) => {
      results.push(result);
      const isOnPurpose = result.verdict === 'different on purpose';
      if (result.verdict === 'different' || (all && isOnPurpose))
        print(describeResult(result, all));
    };
    await suite.check(playing, each, chosen);
    const complaints = results.flatMap(({ fixture, verdict }) =>
      fixture.pending !== undefined && verdict !== 'pending'
        ? `no longer pending: ${fixture.id}`
        : [],
    );
    if (positionals.length === 0) {
      const left = suite.recordings().filter((name) => !names.includes(name));
      complaints.push(...left.sort().map((name) => `a recording without a fixture: ${name}`));
    }
    for (const complaint of complaints) print(complaint);
    const seconds = Math.round((performance.now() - startedAt) / 1_000);
    return summarize(results, seconds) && complaints.length === 0 ? 0 : 1;
  } finally {
    if (values.logs === undefined) await rm(dir, { recursive: true, force: true });
  }
}

/** Prints how many results have each verdict. Returns true if none is different. */
function summarize(results: readonly Result[], seconds: number): boolean {
  const count = (verdict: Verdict) => results.filter((it) => it.verdict === verdict).length;
  for (const { fixture, verdict } of results) {
    if (verdict === 'pending') print(`pending ${fixture.id}: ${fixture.pending}`);
  }
  print(
    `same ${count('same')}, different on purpose ${count('different on purpose')}, ` +
      `pending ${count('pending')}, different ${count('different')} (${seconds} s)`,
  );
  return count('different') === 0;
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
