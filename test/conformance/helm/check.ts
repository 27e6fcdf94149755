// Plays fixtures of HelmReleases, and compares the result with what Flux's helm-controller left.
import { type Rule, rulesFor } from '../compare.ts';
import { type Found, judge, type Result, resultOf, unmet } from '../result.ts';
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
  const startedAt = performance.now();
  const played = { ...fixture, id: fixture.name };
  const found: Found[] = [];
  try {
    const { marks = {}, ...end } = await readGolden(fixture.name);
    const snapshots = snapshotsOf(environment.client, fixture);
    await playHelm(fixture, environment, async (label) => {
      const isEnd = label === 'end';
      const expected = byIndex(isEnd ? end : marks[label]);
      const compare = (seen: unknown) =>
        judge({ fixture: fixture.name, label }, { expected, seen: byIndex(seen) }, rules).found;
      const isExpected = (seen: unknown) => compare(seen).every(({ rule }) => rule !== undefined);
      const take = (): Promise<Snapshot | ShortSnapshot> =>
        isEnd ? snapshots.whole() : snapshots.short();
      const seen = await settle<Snapshot | ShortSnapshot>({ take, isExpected, ...SETTLING });
      found.push(...compare(seen));
    });
    const met = new Set(found.map(({ rule }) => rule));
    const missing = rulesFor(rules, fixture.name).filter(({ id }) => !met.has(id));
    found.push(...missing.map((rule) => unmet(rule, 'end')));
    return resultOf(played, found, { startedAt });
  } catch (error) {
    return resultOf(played, found, { startedAt, fault: String(error) });
  }
}

/** Lists of objects become maps by index, so that a difference names the item and its field. */
function byIndex(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, byIndex(item)] as const);
  const isPlain = Array.isArray(value) && !value.some((item) => typeof item === 'object');
  return isPlain ? value : Object.fromEntries(entries);
}
