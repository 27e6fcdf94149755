// `npm run conformance`: plays every fixture against Weir and compares with what Flux made of it.
// `npm run conformance -- --record`: plays them against Flux's controllers and writes that down.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Difference, differences, explain } from './compare.ts';
import { RULES } from './differences.ts';
import { type Fixture, loadFixtures } from './fixture.ts';
import { type Golden, readGolden, writeGolden } from './golden.ts';
import { namespacesOf, play } from './player.ts';
import { runSession } from './session.ts';
import { settle } from './settle.ts';
import { type Snapshot, takeSnapshot } from './snapshot.ts';

const FIXTURES_DIR = join(import.meta.dirname, 'fixtures');
const USAGE = `npm run conformance [-- [options] [part of a fixture's id]...]
  --record          play against Flux's controllers in PEER_BIN and write down what they do
  --crds FILE       definitions to use for kinds that Weir does not serve (with --record)
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
  const options: Options = {
    concurrency: Number(values.concurrency),
    dir,
    ...(values.crds === undefined ? {} : { crds: values.crds }),
  };
  try {
    return values.record ? await record(fixtures, options) : await compare(fixtures, options);
  } finally {
    if (values.logs === undefined) await rm(dir, { recursive: true, force: true });
  }
}

interface Options {
  concurrency: number;
  dir: string;
  crds?: string;
}

async function record(fixtures: Fixture[], options: Options): Promise<number> {
  const failed: string[] = [];
  await runSession({
    ...options,
    system: 'flux',
    fixtures,
    async each(fixture, stage) {
      const snapshots: Golden['snapshots'] = {};
      const take = () => takeSnapshot(stage.client, scopeOf(fixture));
      const snapshot = async (label: string) => {
        snapshots[label] = await settle({ take, quietMs: 2_500, timeoutMs: 30_000 });
      };
      try {
        await play(fixture, { ...stage, snapshot });
        await writeGolden(fixture, snapshots);
        print(`recorded  ${fixture.id}`);
      } catch (error) {
        failed.push(fixture.id);
        print(`FAILED    ${fixture.id}: ${String(error)}`);
      }
    },
  });
  print(`recorded ${fixtures.length - failed.length}, failed ${failed.length}`);
  return failed.length === 0 ? 0 : 1;
}

type Verdict = 'same' | 'different on purpose' | 'different' | 'pending';

async function compare(fixtures: Fixture[], options: Options): Promise<number> {
  const verdicts = new Map<Verdict, string[]>();
  const used = new Set<string>();
  const started = performance.now();
  await runSession({
    ...options,
    system: 'weir',
    fixtures,
    async each(fixture, stage) {
      const found: Found[] = [];
      let fault: string | undefined;
      try {
        const golden = await readGolden(fixture);
        const take = () => takeSnapshot(stage.client, scopeOf(fixture));
        const snapshot = async (label: string) => {
          const expected = golden.snapshots[label];
          const judge = (seen: Snapshot) => judged(fixture, label, expected, seen);
          const isExpected = (seen: Snapshot) => judge(seen).every(({ rule }) => rule);
          found.push(
            ...judge(await settle({ take, quietMs: 4_000, timeoutMs: 15_000, isExpected })),
          );
        };
        await play(fixture, { ...stage, snapshot });
      } catch (error) {
        fault = String(error);
      }
      const verdict = verdictOf(fixture, found, fault);
      for (const { rule } of found) if (rule) used.add(rule);
      verdicts.set(verdict, [...(verdicts.get(verdict) ?? []), fixture.id]);
      if (verdict === 'different') print(report(fixture, found, fault));
    },
  });
  const count = (verdict: Verdict) => verdicts.get(verdict)?.length ?? 0;
  for (const id of verdicts.get('pending') ?? []) print(`pending    ${id}`);
  const seconds = Math.round((performance.now() - started) / 1_000);
  print(
    `same ${count('same')}, different on purpose ${count('different on purpose')}, ` +
      `pending ${count('pending')}, different ${count('different')} (${seconds} s)`,
  );
  return count('different') === 0 ? 0 : 1;
}

interface Found {
  label: string;
  difference: Difference;
  /** Of the rule that explains it. */
  rule?: string;
}

function judged(
  fixture: Fixture,
  label: string,
  expected: Snapshot | undefined,
  seen: Snapshot,
): Found[] {
  return differences(expected, seen).map((difference) => {
    const rule = explain(RULES, fixture.id, difference);
    return { label, difference, ...(rule === undefined ? {} : { rule: rule.id }) };
  });
}

function verdictOf(fixture: Fixture, found: readonly Found[], fault: string | undefined): Verdict {
  const isDifferent = fault !== undefined || found.some(({ rule }) => rule === undefined);
  if (isDifferent) return fixture.pending === undefined ? 'different' : 'pending';
  return found.length === 0 ? 'same' : 'different on purpose';
}

function report(fixture: Fixture, found: readonly Found[], fault: string | undefined): string {
  const lines = [`DIFFERENT ${fixture.id}: ${fixture.about}`];
  if (fault !== undefined) lines.push(`  ${fault}`);
  for (const { label, difference, rule } of found) {
    if (rule !== undefined) continue;
    const { path, flux, weir } = difference;
    lines.push(`  at ${label}: ${path}`, `    flux ${show(flux)}`, `    weir ${show(weir)}`);
  }
  return lines.join('\n');
}

function show(value: unknown): string {
  return value === undefined ? '-' : JSON.stringify(value);
}

function scopeOf(fixture: Fixture) {
  const { namespace, kinds } = fixture;
  return { namespace, namespaces: namespacesOf(fixture), kinds };
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

process.exitCode = await main();
