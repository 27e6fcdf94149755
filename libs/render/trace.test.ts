import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { createLogger } from '@weir/telemetry';
import {
  createPool,
  indexPaths,
  RenderError,
  type RenderPool,
  type Trace,
  traceDifference,
  traceHolds,
} from './index.ts';
import { EXAMPLE, type Files, fileIndexOf, packFiles, SERVICE } from './testing/artifact.ts';

let pool: RenderPool;
before(async () => {
  pool = await createPool({ size: 1, log: createLogger({ service: 'test', level: 'error' }) });
});
after(() => pool.close());

const kustomization = { components: ['../maybe'], ignoreMissingComponents: true };

/** The result of a build: its objects or its error, as text, and its trace. */
async function outcome(
  t: TestContext,
  files: Files,
  path: string,
): Promise<{ text: string; trace: Trace }> {
  try {
    const artifact = await packFiles(t, files);
    const { objects, trace } = await pool.build(
      { artifact, path, kustomization },
      { tenant: 'apps' },
    );
    return { text: JSON.stringify(objects), trace };
  } catch (error) {
    assert.ok(error instanceof RenderError && error.trace);
    return { text: `${error.reason}: ${error.message}`, trace: error.trace };
  }
}

test('the trace of a build holds for its own artifact', async (t) => {
  for (const path of ['staging', 'production', 'base', '', 'gone']) {
    const { trace } = await outcome(t, EXAMPLE, path);
    assert.equal(traceDifference(trace, fileIndexOf(EXAMPLE)), undefined);
    assert.ok(traceHolds(trace, indexPaths(fileIndexOf(EXAMPLE))));
  }
});

test('a change to what was looked at is seen, one elsewhere is not', async (t) => {
  const { trace } = await outcome(t, EXAMPLE, 'production');
  const holds = (change: Record<string, string | undefined>): boolean => {
    const files = Object.entries({ ...EXAMPLE, ...change });
    const present = files.filter((file): file is [string, string] => file[1] !== undefined);
    return traceHolds(trace, fileIndexOf(Object.fromEntries(present)));
  };
  assert.ok(holds({}));
  assert.ok(holds({ 'staging/kustomization.yaml': 'other', 'new.yaml': SERVICE }), 'elsewhere');
  assert.ok(holds({ 'base/unlisted.yaml': SERVICE }), 'beside what is listed in a file');
  assert.ok(!holds({ 'base/service.yaml': 'other' }), 'a change');
  assert.ok(!holds({ 'shared/env.txt': undefined }), 'a removal');
  assert.ok(!holds({ 'base/kustomization.yml': '' }), 'an addition where it looked');
  assert.ok(
    !holds({ 'maybe/kustomization.yaml': 'kind: Component' }),
    'a component that was missed',
  );
});

test('a new file in a scanned folder is seen, whatever its name', async (t) => {
  const files = {
    'app/one.yaml': SERVICE,
    'app/sub/b.txt': '',
    'app/ü/\u{1F600}': '',
    'app/ü/\uFFFD': '',
  };
  const { trace } = await outcome(t, files, 'app');
  assert.ok(traceHolds(trace, fileIndexOf(files)));
  for (const added of [
    'app/two.yaml',
    'app/two.txt',
    'app/sub/two',
    'app/new/deep/two',
    'app/sub/kustomization.yaml',
  ]) {
    assert.ok(!traceHolds(trace, fileIndexOf({ ...files, [added]: '' })), added);
  }
  const { 'app/one.yaml': _, ...less } = files;
  assert.deepEqual(traceDifference(trace, fileIndexOf(less)), {
    path: 'app/one.yaml',
    looked: 'read',
  });
  assert.ok(
    traceHolds(trace, fileIndexOf({ ...files, 'apps/x': '' })),
    'a folder with a longer name',
  );
});

test('a file that becomes a folder, and the other way round', async (t) => {
  const files = { 'app/one.yaml': SERVICE, 'app/sub': 'a file' };
  const { trace } = await outcome(t, files, 'app');
  assert.ok(!traceHolds(trace, fileIndexOf({ 'app/one.yaml': SERVICE, 'app/sub/x': 'a folder' })));
});

/**
 * The promise behind the trace: while it holds, the build comes to the same. Every single change
 * of a set of files is built, so that none is thought away.
 */
test('whatever changes the result breaks the trace', async (t) => {
  const contents = [
    undefined,
    SERVICE.replaceAll('web', 'other'),
    'resources: [../base/service.yaml]\n',
    'apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnamePrefix: x-\n',
  ];
  const places = [
    ...Object.keys(EXAMPLE),
    'base/new.yaml',
    'base/kustomization.yml',
    'base/Kustomization',
    'production/kustomization.yml',
    'staging/new/kustomization.yaml',
    'staging/new.yaml',
    'maybe/kustomization.yaml',
    'kustomization.yaml',
  ];
  let held = 0;
  for (const path of ['staging', 'production', 'shared', 'part', 'gone', '']) {
    const first = await outcome(t, EXAMPLE, path);
    for (const place of places) {
      for (const content of contents) {
        const { [place]: _, ...others } = EXAMPLE;
        const files = content === undefined ? others : { ...others, [place]: content };
        if (!traceHolds(first.trace, fileIndexOf(files))) continue;
        held++;
        assert.equal((await outcome(t, files, path)).text, first.text, `${path}: ${place}`);
      }
    }
  }
  assert.ok(held > 100, `only ${held} traces held`);
});
