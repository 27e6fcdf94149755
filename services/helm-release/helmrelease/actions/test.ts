// Helm's test (pkg/action/release_testing.go): the hooks of the event `test`, whose results are stored with the release.
import type { HelmHook } from '@weir/render';
import { startHooks } from './hooks/hooks.ts';
import { inStep, mayGoOn, messageOf, type Run } from './run.ts';

/** Runs the tests that the spec selects. Rejects with the failure of the first one that fails, after it was stored. */
export async function runTests(run: Run): Promise<void> {
  const { ctx, storage } = run;
  const [highest] = await storage.versions();
  const last = highest && (await storage.load(highest.version));
  if (last === undefined) throw new Error('release: not found');
  const record = run.record(last);
  const { failure, finish } = await startHooks(run, record, {
    event: 'test',
    serverSide: last.content.applyMethod === 'ssa',
    // Tests are waited for by kstatus, whatever the strategy of the release.
    wait: { mode: 'poller', jobs: true },
    isSelected: selection(ctx.object.spec.test?.filters ?? []),
  });
  try {
    if (failure !== undefined && !mayGoOn(run, failure.error)) throw failure.error;
    await record.save({});
  } finally {
    if (!ctx.signal.aborted) await cleanUp(run, finish);
  }
  if (failure !== undefined) throw failure.error;
}

/** A test that stays is no failure of the tests, as in Flux. */
async function cleanUp(run: Run, finish: () => Promise<void>): Promise<void> {
  try {
    await inStep('tests could not be deleted', finish());
  } catch (error) {
    if (!mayGoOn(run, error)) throw error;
    run.ctx.line(messageOf(error));
  }
}

/** All but those that are excluded, and of these only the included ones where there are any. */
function selection(filters: readonly { name: string; exclude?: boolean }[]) {
  const excluded = new Set(filters.flatMap(({ name, exclude }) => (exclude ? name : [])));
  const included = new Set(filters.flatMap(({ name, exclude }) => (exclude ? [] : name)));
  return ({ name }: HelmHook) => !excluded.has(name) && (included.size === 0 || included.has(name));
}
