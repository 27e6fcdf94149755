// Plays fixtures of HelmReleases and compares what is left with what Flux's helm-controller left.
import { type Difference, differences, explain, type Rule, rulesFor } from '../compare.ts';
import { settle } from '../settle.ts';
import { HELM_RULES } from './differences.ts';
import type { HelmFixture } from './fixture.ts';
import { type Golden, readGolden, writeGolden } from './golden.ts';
import { playHelm } from './play.ts';
import type { HelmEnvironment } from './run-state.ts';
import { isMoving, type ShortSnapshot, type Snapshot, snapshotsOf } from './snapshot.ts';

/** How long a snapshot that differs is given to change. One that doesn't differ is taken at once. */
const SETTLING = { quietMs: 4_000, timeoutMs: 45_000, isMoving };
/** A cluster counts as settled when nothing has changed for this long, in ms. */
const RECORDING = { quietMs: 2_500, timeoutMs: 45_000, isMoving };

export type Verdict = 'same' | 'different on purpose' | 'pending' | 'different';

export interface Found {
  /** The label of the snapshot. */
  label: string;
  difference: Difference;
  /** The heading of the rule that explains the difference. */
  rule?: string;
}

export interface Result {
  fixture: HelmFixture;
  verdict: Verdict;
  found: Found[];
  /** Why the fixture could not be played to its end. */
  fault?: string;
  seconds: number;
}

/** Plays a fixture against Flux's controllers and records what they leave. */
export async function record(fixture: HelmFixture, environment: HelmEnvironment): Promise<void> {
  const snapshots = snapshotsOf(environment.client, fixture);
  const quietMs = Math.max(fixture.quietMs ?? 0, RECORDING.quietMs);
  const timeoutMs = RECORDING.timeoutMs + 2 * quietMs;
  const settling = { ...RECORDING, quietMs, timeoutMs };
  const marks: Record<string, ShortSnapshot> = {};
  let whole: Golden | undefined;
  await playHelm(fixture, environment, async (label) => {
    if (label === 'end') whole = await settle<Golden>({ take: snapshots.whole, ...settling });
    else marks[label] = await settle<ShortSnapshot>({ take: snapshots.short, ...settling });
  });
  if (whole === undefined) throw new Error('the fixture has no end');
  const hasMarks = Object.keys(marks).length > 0;
  await writeGolden(fixture.name, { ...whole, ...(hasMarks ? { marks } : {}) });
}

/** Plays a fixture against a system. `rules` are the differences on purpose. */
export async function check(
  fixture: HelmFixture,
  environment: HelmEnvironment,
  rules: readonly Rule[] = HELM_RULES,
): Promise<Result> {
  const started = performance.now();
  const found: Found[] = [];
  let fault: string | undefined;
  try {
    const { marks = {}, ...end } = await readGolden(fixture.name);
    const snapshots = snapshotsOf(environment.client, fixture);
    await playHelm(fixture, environment, async (label) => {
      const isEnd = label === 'end';
      const judge = (seen: unknown) =>
        judged(fixture, label, isEnd ? end : marks[label], seen, rules);
      const isExpected = (seen: unknown) => judge(seen).every(({ rule }) => rule !== undefined);
      const take = (): Promise<Snapshot | ShortSnapshot> =>
        isEnd ? snapshots.whole() : snapshots.short();
      found.push(
        ...judge(await settle<Snapshot | ShortSnapshot>({ take, isExpected, ...SETTLING })),
      );
    });
    found.push(...unmet(fixture, found, rules));
  } catch (error) {
    fault = String(error);
  }
  const seconds = (performance.now() - started) / 1_000;
  const verdict = verdictOf(fixture, found, fault);
  return { fixture, found, verdict, seconds, ...(fault === undefined ? {} : { fault }) };
}

/** The differences with their rules. */
function judged(
  { name }: HelmFixture,
  label: string,
  expected: unknown,
  seen: unknown,
  rules: readonly Rule[],
): Found[] {
  const found = differences(byIndex(expected), byIndex(seen));
  const reasons = explain(rules, name, found);
  return found.map((difference, index) => {
    const rule = reasons[index]?.id;
    return { label, difference, ...(rule === undefined ? {} : { rule }) };
  });
}

/** Each rule that should have explained a difference in one of the snapshots and didn't. */
function unmet({ name }: HelmFixture, found: readonly Found[], rules: readonly Rule[]): Found[] {
  const met = new Set(found.map(({ rule }) => rule));
  return rulesFor(rules, name)
    .filter(({ id }) => !met.has(id))
    .map(({ id, path }) => ({
      label: 'end',
      difference: { path: `nothing differs under "${id}" at ${path}` },
    }));
}

/** Lists of objects become maps by index, so that a difference names the item and its field. */
function byIndex(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, byIndex(item)] as const);
  const isPlain = Array.isArray(value) && !value.some((item) => typeof item === 'object');
  return isPlain ? value : Object.fromEntries(entries);
}

function verdictOf(
  { pending }: HelmFixture,
  found: readonly Found[],
  fault: string | undefined,
): Verdict {
  const isDifferent = fault !== undefined || found.some(({ rule }) => rule === undefined);
  if (isDifferent) return pending === undefined ? 'different' : 'pending';
  return found.length === 0 ? 'same' : 'different on purpose';
}

/** A result as text: its differences, with `all` also those on purpose. */
export function describeResult(result: Result, all = false): string {
  const { fixture, verdict, found, fault, seconds } = result;
  const head = `${verdict.toUpperCase()} ${fixture.name} (${seconds.toFixed(1)} s): ${fixture.about}`;
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
  return value === undefined ? '(nothing)' : JSON.stringify(value);
}
