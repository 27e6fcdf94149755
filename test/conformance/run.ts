// `npm run conformance`: plays every fixture against Weir and compares the result with the recorded one of Flux.
// `npm run conformance -- --record`: plays the fixtures against Flux's controllers and records the results.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { checkAll, describeResult, type Result, type Verdict } from './check.ts';
import { type Fixture, loadFixtures } from './fixture.ts';
import { leftoverGoldens } from './golden.ts';
import { recordAll } from './record.ts';
import type { SessionSettings } from './session.ts';

const FIXTURES_DIR = join(import.meta.dirname, 'fixtures');
const USAGE = `npm run conformance [-- [options] [part of a fixture's id]...]
  --record          play against Flux's controllers and write down what they do
  --crds FILE       definitions to use for kinds that Weir does not serve
  --all             print also what differs on purpose
  --concurrency N   fixtures at a time (24)
  --logs DIR        keep logs there
`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      record: { type: 'boolean', default: false },
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
  const fixtures = await loadFixtures({ dir: FIXTURES_DIR, only: positionals });
  const dir = values.logs ?? (await mkdtemp(join(tmpdir(), 'weir-conformance-')));
  const settings: SessionSettings = {
    concurrency: Number(values.concurrency),
    dir,
    ...(values.crds === undefined ? {} : { crds: values.crds }),
  };
  try {
    if (values.record) {
      const failed = await recordAll(fixtures, settings, print);
      print(`recorded ${fixtures.length - failed.length}, failed ${failed.length}`);
      return failed.length === 0 ? 0 : 1;
    }
    const started = performance.now();
    const results = await checkAll(fixtures, settings, (result) => {
      const { verdict } = result;
      const isShown = verdict === 'different' || (values.all && verdict === 'different on purpose');
      if (isShown) print(describeResult(result, values.all));
    });
    const seconds = Math.round((performance.now() - started) / 1_000);
    const complaints = complaintsAbout(results);
    if (positionals.length === 0) complaints.push(...leftovers(fixtures));
    for (const complaint of complaints) print(complaint);
    return summarize(results, complaints.length, seconds);
  } finally {
    if (values.logs === undefined) await rm(dir, { recursive: true, force: true });
  }
}

function complaintsAbout(results: readonly Result[]): string[] {
  return results.flatMap(({ fixture, verdict }) =>
    fixture.pending !== undefined && verdict !== 'pending'
      ? `no longer pending: ${fixture.id}`
      : [],
  );
}

function leftovers(fixtures: readonly Fixture[]): string[] {
  return leftoverGoldens(fixtures).map((id) => `a recording without a fixture: ${id}`);
}

function summarize(results: readonly Result[], complaints: number, seconds: number): number {
  const count = (verdict: Verdict) => results.filter((it) => it.verdict === verdict).length;
  for (const { fixture, verdict } of results) {
    if (verdict === 'pending') print(`pending ${fixture.id}: ${fixture.pending}`);
  }
  print(
    `same ${count('same')}, different on purpose ${count('different on purpose')}, ` +
      `pending ${count('pending')}, different ${count('different')} (${seconds} s)`,
  );
  return count('different') === 0 && complaints === 0 ? 0 : 1;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

process.exitCode = await main();
