// `npm run conformance`: plays every fixture against Weir and compares with what Flux made of it.
// `npm run conformance -- --record`: plays them against Flux's controllers and writes that down.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { checkAll, describeResult, type Result, type Verdict } from './check.ts';
import { RULES } from './differences.ts';
import { loadFixtures } from './fixture.ts';
import { recordAll } from './record.ts';
import type { SessionSettings } from './session.ts';

const FIXTURES_DIR = join(import.meta.dirname, 'fixtures');
const USAGE = `npm run conformance [-- [options] [part of a fixture's id]...]
  --record          play against Flux's controllers in PEER_BIN and write down what they do
  --crds FILE       definitions to use for kinds that Weir does not serve
  --concurrency N   fixtures at a time (16)
  --logs DIR        keep logs there
`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      record: { type: 'boolean', default: false },
      crds: { type: 'string' },
      concurrency: { type: 'string', default: '16' },
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
      if (result.verdict === 'different') print(describeResult(result));
    });
    const seconds = Math.round((performance.now() - started) / 1_000);
    // A few of the fixtures can't tell whether a rule is still of use.
    const isAll = positionals.length === 0;
    return summarize(results, isAll, seconds);
  } finally {
    if (values.logs === undefined) await rm(dir, { recursive: true, force: true });
  }
}

function summarize(results: readonly Result[], isAll: boolean, seconds: number): number {
  const count = (verdict: Verdict) => results.filter((it) => it.verdict === verdict).length;
  for (const { fixture, verdict } of results) {
    if (verdict === 'pending') print(`pending ${fixture.id}: ${fixture.pending}`);
    else if (fixture.pending !== undefined) print(`no longer pending: ${fixture.id}`);
  }
  const used = new Set(results.flatMap(({ found }) => found.map(({ rule }) => rule)));
  const unused = isAll ? RULES.filter(({ id }) => !used.has(id)) : [];
  for (const { id } of unused) print(`nothing differs any more under "${id}"`);
  print(
    `same ${count('same')}, different on purpose ${count('different on purpose')}, ` +
      `pending ${count('pending')}, different ${count('different')} (${seconds} s)`,
  );
  return count('different') === 0 && unused.length === 0 ? 0 : 1;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

process.exitCode = await main();
