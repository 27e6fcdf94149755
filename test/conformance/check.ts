// Plays fixtures against Weir and compares the resulting cluster with the one that Flux left.
import { type Difference, differences, explain, type Rule, rulesFor } from './compare.ts';
import { RULES } from './differences.ts';
import type { Fixture } from './fixture.ts';
import { readGolden } from './golden.ts';
import { play } from './play/play.ts';
import { scopeOf } from './record.ts';
import { runSession, type SessionEnvironment, type SessionSettings } from './session.ts';
import { settle } from './settle.ts';
import { isMoving, type Snapshot, takeSnapshot } from './snapshot.ts';

/** How long a snapshot that differs from the expected one is given to change. One that doesn't differ is taken at once. */
const SETTLING = { quietMs: 4_000, timeoutMs: 15_000 };

export type Verdict = 'same' | 'different on purpose' | 'pending' | 'different';

export interface Found {
  /** The label of the snapshot. */
  label: string;
  difference: Difference;
  /** The heading of the rule that explains the difference. */
  rule?: string;
}

export interface Result {
  fixture: Fixture;
  verdict: Verdict;
  found: Found[];
  /** Why the fixture could not be played to its end. */
  fault?: string;
}

/** Plays all fixtures. `each` is called with the result of each fixture as soon as it is known. */
export async function checkAll(
  fixtures: readonly Fixture[],
  settings: SessionSettings,
  each: (result: Result) => void,
): Promise<Result[]> {
  const results: Result[] = [];
  await runSession({
    ...settings,
    system: 'weir',
    fixtures,
    async each(fixture, stage) {
      const result = await check(fixture, stage);
      results.push(result);
      each(result);
    },
  });
  return results;
}

async function check(
  fixture: Fixture,
  { client, git, listener }: SessionEnvironment,
): Promise<Result> {
  const found: Found[] = [];
  try {
    const golden = await readGolden(fixture);
    const take = () => takeSnapshot(client, listener, scopeOf(fixture));
    const snapshot = async (label: string) => {
      const judge = (seen: Snapshot) => judged(fixture, label, golden.snapshots[label], seen);
      const isExpected = (seen: Snapshot) => judge(seen).every(({ rule }) => rule !== undefined);
      const seen = await settle({ take, isExpected, isMoving, ...SETTLING });
      found.push(...judge(seen));
    };
    await play(fixture, { client, git, snapshot });
    return { fixture, found, verdict: verdictOf(fixture, found) };
  } catch (error) {
    const verdict = fixture.pending === undefined ? 'different' : 'pending';
    return { fixture, found, verdict, fault: String(error) };
  }
}

/** The differences with their rules. For the snapshot `end` also each rule that should have applied and didn't. */
function judged(
  { id }: Fixture,
  label: string,
  expected: Snapshot | undefined,
  seen: Snapshot,
): Found[] {
  const found = differences(expected, seen);
  const reasons = explain(RULES, id, found);
  const met = new Set(reasons);
  const unmet = label === 'end' ? rulesFor(RULES, id).filter((rule) => !met.has(rule)) : [];
  return [
    ...found.map((difference, index) => {
      const rule = reasons[index]?.id;
      return { label, difference, ...(rule === undefined ? {} : { rule }) };
    }),
    ...unmet.map((rule) => ({ label, difference: asDifference(rule) })),
  ];
}

function asDifference({ id, path, flux, weir }: Rule): Difference {
  const at = `nothing differs under "${id}" at ${path}`;
  return { path: at, flux: String(flux), weir: String(weir) };
}

function verdictOf({ pending }: Fixture, found: readonly Found[]): Verdict {
  if (found.some(({ rule }) => rule === undefined)) {
    return pending === undefined ? 'different' : 'pending';
  }
  return found.length === 0 ? 'same' : 'different on purpose';
}

/** The differences in a fixture's result as text; with `all` also those on purpose. */
export function describeResult({ fixture, verdict, found, fault }: Result, all = false): string {
  const lines = [`${verdict.toUpperCase()} ${fixture.id}: ${fixture.about}`];
  if (fault !== undefined) lines.push(`  ${fault}`);
  for (const { label, difference, rule } of found) {
    if (rule !== undefined && !all) continue;
    const { path, flux, weir } = difference;
    const why = rule === undefined ? '' : ` (${rule})`;
    lines.push(`  at ${label}: ${path}${why}`, `    flux ${show(flux)}`, `    weir ${show(weir)}`);
  }
  return lines.join('\n');
}

function show(value: unknown): string {
  return value === undefined ? '-' : JSON.stringify(value);
}
