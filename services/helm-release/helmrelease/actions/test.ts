// Helm's test (pkg/action/release_testing.go): the hooks of the event `test`, whose results are stored with the release.
import type { HelmHook } from '@weir/render';
import { type ActionRun, inStep, mayGoOn, messageOf } from './action-run.ts';
import { startHooks } from './hooks/hooks.ts';

/** Runs the tests that the spec selects. Rejects with the failure of the first one that fails, after it was stored. */
export async function runTests(run: ActionRun): Promise<void> {
  const { ctx, storage } = run;
  const [highest] = await storage.versions();
  const last = highest && (await storage.load(highest.version));
  if (last === undefined) throw new Error('release: not found');
  const record = run.record(last);
  const { filters = [] } = ctx.object.spec.test ?? {};
  const { failure, finish } = await startHooks(run, record, {
    event: 'test',
    serverSide: last.content.applyMethod === 'ssa',
    // Tests are waited for by kstatus, whatever the strategy of the release.
    wait: { mode: 'poller', jobs: true },
    isSelected: selection(filters),
  });
  try {
    if (failure !== undefined && !mayGoOn(run, failure.error)) throw failure.error;
    await record.save(storedOrder(last.content.hooks, filters));
  } finally {
    if (!ctx.signal.aborted) await cleanUp(run, finish);
  }
  if (failure !== undefined) throw failure.error;
}

/** A test that stays is no failure of the tests, as in Flux. */
async function cleanUp(run: ActionRun, finish: () => Promise<void>): Promise<void> {
  try {
    await inStep('tests could not be deleted', finish());
  } catch (error) {
    if (!mayGoOn(run, error)) throw error;
    run.ctx.line(messageOf(error));
  }
}

interface Filter {
  name: string;
  exclude?: boolean;
}

/** All but those that are excluded, and of these only the included ones where there are any. */
function selection(filters: readonly Filter[]) {
  const { excluded, included } = namesOf(filters);
  return ({ name }: Pick<HelmHook, 'name'>) =>
    !excluded.has(name) && (included.size === 0 || included.has(name));
}

/**
 * Helm stores the hooks of a release in another order after filtered tests: first those whose name is excluded, then those
 * that aren't included, then the others. Tests or not, the filters go by names alone.
 */
export function storedOrder(
  hooks: readonly Pick<HelmHook, 'index' | 'name'>[],
  filters: readonly Filter[],
): { hookOrder?: number[] } {
  if (filters.length === 0) return {};
  const { excluded, included } = namesOf(filters);
  const rank = ({ name }: Pick<HelmHook, 'name'>) => {
    if (excluded.has(name)) return 0;
    return included.size > 0 && !included.has(name) ? 1 : 2;
  };
  const stored = hooks.toSorted((a, b) => a.index - b.index);
  return { hookOrder: stored.toSorted((a, b) => rank(a) - rank(b)).map(({ index }) => index) };
}

function namesOf(filters: readonly Filter[]) {
  return {
    excluded: new Set(filters.flatMap(({ name, exclude }) => (exclude ? name : []))),
    included: new Set(filters.flatMap(({ name, exclude }) => (exclude ? [] : name))),
  };
}
