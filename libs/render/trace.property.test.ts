// The promise of the render cache, over random artifacts and random edits: while the trace of a build holds,
// a fresh build gives the same. WEIR_TRACE_CASES says how many artifacts (some twelve edits each), WEIR_SEED which.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createLogger } from '@weir/telemetry';
import fc from 'fast-check';
import {
  type BuildRequest,
  createPool,
  indexPaths,
  RenderError,
  type RenderPool,
  type Trace,
  traceDifference,
  traceHolds,
} from './index.ts';
import { type Files, fileIndexOf, packInto } from './testing/artifact.ts';
import { applyEdit, type Edit, edits } from './testing/edits.ts';
import { ELSEWHERE, FOLDERS, type FolderPlan, filesOf, plans } from './testing/trees.ts';

const CASES = Number(process.env.WEIR_TRACE_CASES ?? 250);
const SEED = Number(process.env.WEIR_SEED ?? Date.now() & 0x7fffffff);

const EDITS_IN_A_ROW = 6;

let pool: RenderPool;
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weir-trace-'));
  pool = await createPool({ log: createLogger({ service: 'test', level: 'error' }) });
});
after(async () => {
  await pool.close();
  await rm(folder, { recursive: true, force: true });
});

interface Case {
  planned: FolderPlan[];
  /** Chooses `spec.path`: mostly the last folder, which most others lead to. */
  where: number;
  kustomization: NonNullable<BuildRequest['kustomization']>;
  edited: Edit[];
}

const cases: fc.Arbitrary<Case> = fc.record({
  planned: plans,
  where: fc.nat(15),
  kustomization: fc.constantFrom(
    {},
    {},
    {},
    { namePrefix: 'spec-', targetNamespace: 'spec' },
    { components: ['../part', '../maybe'], ignoreMissingComponents: true },
    { patches: [{ patch: '[{op: add, path: /metadata/labels, value: {l: v}}]', target: {} }] },
  ),
  edited: edits,
});

function pathOf({ planned, where }: Case): string {
  const special = ['', './over/', '../base', 'not/there', 'base/deployment.yaml'];
  const folder = FOLDERS[planned.length - 1 - (where % 2)];
  return special[where - 11] ?? folder ?? '';
}

/** The result of a build: everything that a user can see of it. */
interface Outcome {
  text: string;
  failed: boolean;
  trace: Trace;
}

async function build(files: Files, one: Case): Promise<Outcome> {
  const { kustomization } = one;
  const path = pathOf(one);
  const artifact = await packInto(folder, files);
  try {
    const built = await pool.build({ artifact, path, kustomization }, { tenant: 'apps' });
    const { objects, digest, trace, warnings } = built;
    return { text: JSON.stringify({ objects, digest, warnings }, null, 1), failed: false, trace };
  } catch (error) {
    if (!(error instanceof RenderError) || error.trace === undefined) throw error;
    const { reason, message, warnings, trace } = error;
    return { text: `${reason}: ${message}\n${JSON.stringify(warnings)}`, failed: true, trace };
  } finally {
    await rm(artifact.file, { force: true });
  }
}

interface Counts {
  edits: number;
  built: number;
  held: number;
  elsewhere: number;
  heldElsewhere: number;
}

/**
 * Edits an artifact again and again, and builds it after every edit. Throws where a trace holds and the
 * result is another; `keep` is what the trace loses before it is asked.
 */
async function check(one: Case, counts: Counts, keep: (trace: Trace) => Trace): Promise<void> {
  const start = filesOf(one.planned);
  const first = await build(start, one);
  if (!first.failed) counts.built++;
  let files = start;
  let last = first;
  for (const [n, edit] of one.edited.entries()) {
    // Edits accumulate until little is left that could be built.
    if (n % EDITS_IN_A_ROW === 0) [files, last] = [start, first];
    const before = files;
    files = applyEdit(files, edit, last.trace);
    const index = indexPaths(fileIndexOf(files));
    const fresh = await build(files, one);
    assert.equal(traceDifference(fresh.trace, index), undefined, 'a trace holds where it was made');
    const held = traceHolds(keep(last.trace), index);
    counts.edits++;
    if (held) counts.held++;
    if (edit.verb === 'edit elsewhere' && !(ELSEWHERE in last.trace.dirs)) {
      counts.elsewhere++;
      if (held) counts.heldElsewhere++;
    }
    if (held && fresh.text !== last.text) {
      const changed = difference(before, files);
      assert.fail(
        `${JSON.stringify(edit)} changed ${changed}; the trace holds, but the build gives\n` +
          `${fresh.text}\nand not\n${last.text}\ntrace: ${JSON.stringify(last.trace, null, 1)}\n` +
          `files before: ${JSON.stringify(before, null, 1)}`,
      );
    }
    if (!held) last = fresh;
  }
}

function difference(before: Files, now: Files): string {
  const paths = [...new Set([...Object.keys(before), ...Object.keys(now)])].sort();
  const changed = paths.filter((path) => before[path] !== now[path]);
  return changed.map((path) => `${path}: ${JSON.stringify(now[path] ?? 'gone')}`).join(', ');
}

function newCounts(): Counts {
  return { edits: 0, built: 0, held: 0, elsewhere: 0, heldElsewhere: 0 };
}

test('while a trace holds, a fresh build gives the same', async (t) => {
  t.diagnostic(`seed ${SEED}, ${CASES} artifacts`);
  const counts = newCounts();
  const property = fc.asyncProperty(cases, (one) => check(one, counts, (trace) => trace));
  // The limit is for shrinking a failure, which could take long.
  const interruptAfterTimeLimit = 300_000 + CASES * 1_000;
  const limits = { interruptAfterTimeLimit, markInterruptAsFailure: true };
  // Two at a time: one packs while the other builds, and the engine is seen to keep builds apart.
  const half = (seed: number) => fc.assert(property, { seed, numRuns: CASES / 2, ...limits });
  await Promise.all([half(SEED), half(SEED + 1)]);
  t.diagnostic(JSON.stringify(counts));
  assert.ok(counts.built > CASES / 4, 'many artifacts build');
  assert.ok(counts.held > counts.edits / 4, 'many traces hold');
  assert.ok(counts.heldElsewhere >= counts.elsewhere * 0.95, 'an edit elsewhere breaks no trace');
});

/** This tests the test: it has to find a trace that isn't exact. */
for (const [what, weaken] of Object.entries<(trace: Trace) => Trace>({
  'without the files': (trace) => ({ ...trace, files: {} }),
  'without the listings': (trace) => ({ ...trace, dirs: {} }),
  'without what was missed': (trace) => ({
    ...trace,
    kinds: only(trace, (kind) => kind !== 'none'),
  }),
  'without types': (trace) => ({ ...trace, kinds: only(trace, (kind) => kind === 'none') }),
})) {
  test(`a trace ${what} does not pass`, async () => {
    const property = fc.asyncProperty(cases, (one) => check(one, newCounts(), weaken));
    const result = await fc.check(property, { seed: SEED, numRuns: 2000, endOnFailure: true });
    assert.ok(result.failed, 'nothing was found');
    assert.match(String(result.errorInstance), /the trace holds, but the build gives/);
  });
}

function only({ kinds }: Trace, wanted: (kind: string) => boolean): Trace['kinds'] {
  return Object.fromEntries(Object.entries(kinds).filter(([, kind]) => wanted(kind)));
}
