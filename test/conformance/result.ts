// What playing a fixture has shown: how the cluster differs from the recorded one, and what that means for the fixture.
import { type Difference, differences, explain, type Rule } from './compare.ts';

export type Verdict = 'same' | 'different on purpose' | 'pending' | 'different';

export interface Found {
  /** The label of the snapshot. */
  label: string;
  difference: Difference;
  /** The heading of the rule that explains the difference. */
  rule?: string;
}

/** What a result says of its fixture. */
export interface PlayedFixture {
  /** Its name on the command line. */
  id: string;
  about: string;
  /** What Weir does not support yet and the fixture needs. */
  pending?: string | undefined;
}

export interface Result {
  fixture: PlayedFixture;
  verdict: Verdict;
  found: Found[];
  /** Why the fixture could not be played to its end. */
  fault?: string;
  seconds: number;
}

/** @param startedAt by `performance.now()` */
export function resultOf(
  fixture: PlayedFixture,
  found: Found[],
  { startedAt, fault }: { startedAt: number; fault?: string | undefined },
): Result {
  const isDifferent = fault !== undefined || found.some(({ rule }) => rule === undefined);
  const otherwise = found.length === 0 ? 'same' : 'different on purpose';
  const ifDifferent = fixture.pending === undefined ? 'different' : 'pending';
  const seconds = (performance.now() - startedAt) / 1_000;
  const verdict = isDifferent ? ifDifferent : otherwise;
  return { fixture, verdict, found, seconds, ...(fault === undefined ? {} : { fault }) };
}

/** The differences between two snapshots, and the rules that explain them: one for each difference, or undefined. */
export function judge(
  { fixture, label }: { fixture: string; label: string },
  sides: { expected: unknown; seen: unknown },
  rules: readonly Rule[],
): { found: Found[]; met: Set<Rule> } {
  const all = differences(sides.expected, sides.seen);
  const reasons = explain(rules, fixture, all);
  const found = all.map((difference, index) => {
    const rule = reasons[index]?.id;
    return { label, difference, ...(rule === undefined ? {} : { rule }) };
  });
  return { found, met: new Set(reasons.filter((rule) => rule !== undefined)) };
}

/** A rule that should have explained a difference and didn't, as a difference of its own. */
export function unmet({ id, path, flux, weir }: Rule, label: string): Found {
  const at = `nothing differs under "${id}" at ${path}`;
  return { label, difference: { path: at, flux: String(flux), weir: String(weir) } };
}

/** A result as text: its differences, with `all` also those on purpose. */
export function describeResult(result: Result, all = false): string {
  const { fixture, verdict, found, fault, seconds } = result;
  const head = `${verdict.toUpperCase()} ${fixture.id} (${seconds.toFixed(1)} s): ${fixture.about}`;
  const lines = found
    .filter(({ rule }) => rule === undefined || all)
    .flatMap(({ label, difference: { path, flux, weir }, rule }) => [
      `  at ${label}: ${path}${rule === undefined ? '' : ` (${rule})`}`,
      `    flux ${show(flux)}`,
      `    weir ${show(weir)}`,
    ]);
  return [head, ...(fault === undefined ? [] : [`  ${fault}`]), ...lines].join('\n');
}

function show(value: unknown): string {
  return value === undefined ? '-' : JSON.stringify(value);
}
