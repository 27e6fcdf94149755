// Plays fixtures against Weir and compares the resulting cluster with the one that Flux left.
import { rulesFor } from './compare.ts';
import { RULES } from './differences.ts';
import type { Fixture } from './fixture.ts';
import { readGolden } from './golden.ts';
import { play } from './play/play.ts';
import { scopeOf } from './record.ts';
import { type Found, judge, type Result, resultOf, unmet } from './result.ts';
import { runSession, type SessionEnvironment, type SessionSettings } from './session.ts';
import { settle } from './settle.ts';
import { isMoving, type Snapshot, takeSnapshot } from './snapshot.ts';

/** How long a snapshot that differs from the expected one is given to change. One that doesn't differ is taken at once. */
const SETTLING = { quietMs: 4_000, timeoutMs: 15_000 };

/** Plays all fixtures. `each` is called with the result of each fixture as soon as it is known. */
export async function checkAll(
  fixtures: readonly Fixture[],
  settings: SessionSettings,
  each: (result: Result) => void,
): Promise<void> {
  await runSession({
    ...settings,
    system: 'weir',
    fixtures,
    async each(fixture, stage) {
      each(await check(fixture, stage));
    },
  });
}

async function check(
  fixture: Fixture,
  { client, git, listener, places }: SessionEnvironment,
): Promise<Result> {
  const startedAt = performance.now();
  const found: Found[] = [];
  try {
    const golden = await readGolden(fixture);
    const take = () => takeSnapshot(client, listener, scopeOf(fixture, places));
    const snapshot = async (label: string) => {
      const compare = (seen: Snapshot) => judged(fixture, label, golden.snapshots[label], seen);
      const isExpected = (seen: Snapshot) => compare(seen).every(({ rule }) => rule !== undefined);
      const seen = await settle({ take, isExpected, isMoving, ...SETTLING });
      found.push(...compare(seen));
    };
    await play(fixture, { client, git, places, snapshot });
    return resultOf(fixture, found, { startedAt });
  } catch (error) {
    return resultOf(fixture, found, { startedAt, fault: String(error) });
  }
}

/** The differences with their rules. For the snapshot `end` also each rule that should have applied and didn't. */
function judged(
  { id }: Fixture,
  label: string,
  expected: Snapshot | undefined,
  seen: Snapshot,
): Found[] {
  const { found, met } = judge({ fixture: id, label }, { expected, seen }, RULES);
  const missing = label === 'end' ? rulesFor(RULES, id).filter((rule) => !met.has(rule)) : [];
  return [...found, ...missing.map((rule) => unmet(rule, label))];
}
