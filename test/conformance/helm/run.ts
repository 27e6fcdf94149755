// `npm run conformance:helm`: plays each fixture of HelmReleases against Weir and compares the result with Flux's.
// With `--record` it plays them against Flux's helm-controller and records the results; with `--flux` it compares those
// with the recordings, which shows whether a fixture has the same result twice.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { check, describeResult, type Result, record, type Verdict } from './check.ts';
import { HELM_RULES } from './differences.ts';
import { fieldRows, fieldTable } from './fields.ts';
import { type HelmFixture, loadHelmFixtures } from './fixture.ts';
import { recordings } from './golden.ts';
import { runHelmSession } from './session.ts';

const USAGE = `npm run conformance:helm [-- [options] [part of a fixture's name]...]
  --record          play against Flux's controllers and write down what they do
  --flux            play against Flux's controllers and compare
  --fields          write the table of fields in README.md anew
  --crds FILE       definitions to use in place of Weir's
  --all             print also what differs on purpose
  --concurrency N   fixtures at a time (24)
  --logs DIR        keep logs there
`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      record: { type: 'boolean', default: false },
      flux: { type: 'boolean', default: false },
      fields: { type: 'boolean', default: false },
      all: { type: 'boolean', default: false },
      crds: { type: 'string' },
      concurrency: { type: 'string', default: '24' },
      logs: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (values.fields) {
    await writeTable();
    return 0;
  }
  const fixtures = await loadHelmFixtures(positionals);
  const dir = values.logs ?? (await mkdtemp(join(tmpdir(), 'weir-conformance-')));
  const settings = {
    fixtures,
    dir,
    concurrency: Number(values.concurrency),
    ...(values.crds === undefined ? {} : { crds: values.crds }),
  };
  try {
    if (values.record) return await recordAll(settings);
    const started = performance.now();
    const results: Result[] = [];
    await runHelmSession({
      ...settings,
      system: values.flux ? 'flux' : 'weir',
      async each(fixture, environment) {
        const result = await check(fixture, environment, values.flux ? [] : HELM_RULES);
        results.push(result);
        const { verdict } = result;
        if (verdict === 'different' || values.all) print(describeResult(result, values.all));
      },
    });
    const complaints = positionals.length === 0 ? leftovers(fixtures) : [];
    for (const complaint of complaints) print(complaint);
    return summarize(results, complaints.length, (performance.now() - started) / 1_000);
  } finally {
    if (values.logs === undefined) await rm(dir, { recursive: true, force: true });
  }
}

const README = join(import.meta.dirname, 'README.md');
const TABLE_MARK = '<!-- fields -->';

async function writeTable(): Promise<void> {
  const [head] = (await readFile(README, 'utf8')).split(TABLE_MARK);
  await writeFile(README, `${head}${TABLE_MARK}\n\n${fieldTable(await fieldRows())}\n`);
}

type Settings = Pick<Parameters<typeof runHelmSession>[0], 'fixtures' | 'dir' | 'concurrency'>;

async function recordAll(settings: Settings): Promise<number> {
  let failed = 0;
  await runHelmSession({
    ...settings,
    system: 'flux',
    async each(fixture, environment) {
      try {
        await record(fixture, environment);
        print(`recorded ${fixture.name}`);
      } catch (error) {
        failed += 1;
        print(`FAILED ${fixture.name}: ${String(error)}`);
      }
    },
  });
  return failed === 0 ? 0 : 1;
}

function leftovers(fixtures: readonly HelmFixture[]): string[] {
  const names = new Set(fixtures.map(({ name }) => name));
  const left = recordings().filter((name) => !names.has(name));
  return left.map((name) => `a recording without a fixture: ${name}`);
}

function summarize(results: readonly Result[], complaints: number, seconds: number): number {
  const count = (verdict: Verdict) => results.filter((it) => it.verdict === verdict).length;
  for (const { fixture, verdict } of results) {
    if (verdict === 'pending') print(`pending ${fixture.name}: ${fixture.pending}`);
  }
  print(
    `same ${count('same')}, different on purpose ${count('different on purpose')}, ` +
      `pending ${count('pending')}, different ${count('different')} (${Math.round(seconds)} s)`,
  );
  return count('different') === 0 && complaints === 0 ? 0 : 1;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

process.exitCode = await main();
