import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { createLogger } from '@weir/telemetry';
import { engineBinary } from './binary.ts';
import type { RenderError } from './error.ts';
import type { HelmAnswers, HelmLookup, HelmRenderRequest } from './helm.ts';
import { type Files, packFiles } from './testing/artifact.ts';
import { openPool } from './testing/pool.ts';

const tenant = 'apps';
const CHART: Files = {
  'app/Chart.yaml': 'apiVersion: v2\nname: app\nversion: 1.0.0\nappVersion: "1.2"\n',
  'app/values.yaml': 'color: blue\n',
  'app/templates/cm.yaml':
    'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  color: {{ .Values.color }}\n',
  'app/templates/NOTES.txt': 'Hello {{ .Release.Name }}',
};
const noLookups: HelmAnswers = {
  lookup: async () => {
    throw new Error('nobody looks anything up here');
  },
};

async function chartWith(t: TestContext, files: Files) {
  const { digest, file } = await packFiles(t, { ...CHART, ...files });
  return { digest, file };
}

async function requestFor(t: TestContext, files: Files = {}): Promise<HelmRenderRequest> {
  return {
    chart: await chartWith(t, files),
    values: '{}',
    release: { name: 'web', namespace: 'apps', revision: 1, isInstall: true },
    capabilities: {
      kubeVersion: { version: 'v1.36.0', major: '1', minor: '36' },
      apiVersions: ['v1'],
    },
    options: { applyMethod: 'ssa' },
    postRender: { strategy: 'combined', origin: { name: 'hr', namespace: 'flux' } },
  };
}

test('a chart is rendered, stored, read and stored anew', async (t) => {
  const pool = await openPool(t);
  const request = await requestFor(t);
  const layers = [{ origin: 'ConfigMap/one', yaml: 'color: red\nreplicas: 10000000\n' }];
  const inline = JSON.stringify({ color: 'green' });
  const composed = await pool.helmValues({ layers, inline }, { tenant });
  equal(composed.values, '{"color":"green","replicas":10000000.0}');
  deepEqual(composed.origins, { '/color': 'spec.values', '/replicas': 'ConfigMap/one' });
  const at = '2026-11-24T12:00:00Z';
  const info = { firstDeployed: at, lastDeployed: at, status: 'pending-install' } as const;
  const rendered = await pool.helmRender(
    { ...request, values: composed.values, info: { ...info, description: 'Installing' } },
    { tenant, ...noLookups },
  );
  const labels = {
    'helm.toolkit.fluxcd.io/name': 'hr',
    'helm.toolkit.fluxcd.io/namespace': 'flux',
  };
  deepEqual(rendered.objects, [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'web', labels },
      data: { color: 'green' },
    },
  ]);
  equal(rendered.configDigest, composed.digest);
  equal(rendered.info.notes, 'Hello web');
  ok(rendered.stored);
  const { payload, digest } = rendered.stored;
  const decoded = await pool.helmDecode({ payload, objects: true }, { tenant });
  const { stored: _, usedLookups, warnings, ...release } = rendered;
  deepEqual({ usedLookups, warnings }, { usedLookups: false, warnings: [] });
  deepEqual(decoded, { ...release, digest, bytes: rendered.stored.bytes });
  const updated = await pool.helmUpdate(
    { payload, version: 2, info: { status: 'deployed' } },
    { tenant },
  );
  const after = await pool.helmDecode({ payload: updated.payload }, { tenant });
  deepEqual([after.version, after.info.status, after.objects], [2, 'deployed', []]);
});

test('hooks of a release with many of them are stored one after the other, as any gunzip reads it', async (t) => {
  const pool = await openPool(t);
  const hook =
    '{{ range until 40 }}apiVersion: v1\nkind: ConfigMap\nmetadata: {name: h{{ . }}, annotations: {helm.sh/hook: post-install}}\n---\n{{ end }}';
  const request = await requestFor(t, { 'app/templates/hooks.yaml': hook });
  const info = { status: 'pending-install', description: '' } as const;
  const rendered = await pool.helmRender({ ...request, info }, { tenant, ...noLookups });
  ok(rendered.stored);
  const read = (payload: string) => {
    const packed = Buffer.from(Buffer.from(payload, 'base64').toString(), 'base64');
    return JSON.parse(gunzipSync(packed).toString());
  };
  let { payload } = rendered.stored;
  const expected = read(payload);
  for (const { index } of rendered.hooks) {
    const lastRun = { startedAt: `2026-11-24T12:00:${10 + index}Z`, phase: 'Running' } as const;
    const stored = await pool.helmUpdate({ payload, hooks: [{ index, lastRun }] }, { tenant });
    ({ payload } = stored);
    const last_run = { started_at: lastRun.startedAt, phase: 'Running' };
    Object.assign(expected.hooks[index], { last_run, delete_policies: ['before-hook-creation'] });
    deepEqual(read(payload), expected);
    const decoded = await pool.helmDecode({ payload }, { tenant });
    deepEqual([decoded.digest, decoded.bytes], [stored.digest, stored.bytes]);
  }
});

/** An engine that can't write to files, and the folder for its temporary files. */
async function withoutFiles(t: TestContext): Promise<{ engine: string; folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'weir-no-files-'));
  const scripts = await mkdtemp(join(tmpdir(), 'weir-engine-'));
  for (const dir of [folder, scripts]) t.after(() => rm(dir, { recursive: true, force: true }));
  const binary = await engineBinary(createLogger({ service: 'test', level: 'fatal' }));
  const engine = join(scripts, 'engine');
  const limited = `#!/bin/sh\nulimit -f 0\nexport TMPDIR='${folder}'\nexec '${binary}' "$@"\n`;
  await writeFile(engine, limited);
  await chmod(engine, 0o700);
  return { engine, folder };
}

test('nothing that a chart rendered to is written to a disk', async (t) => {
  const { engine, folder } = await withoutFiles(t);
  const pool = await openPool(t, { engine });
  const request = await requestFor(t);
  const info = { status: 'deployed', description: '' } as const;
  const render = () => pool.helmRender({ ...request, info }, { tenant, ...noLookups });
  const first = await render();
  // The chart's file is gone, so this time the kept chart is used.
  await rm(request.chart.file);
  deepEqual(await render(), first);
  ok(first.stored);
  const { payload } = first.stored;
  await pool.helmUpdate({ payload, version: 2 }, { tenant });
  equal((await pool.helmDecode({ payload }, { tenant })).manifest, first.manifest);
  deepEqual(await readdir(folder), []);

  const { file } = await chartWith(t, {});
  const packing = { version: '1.0.0', valuesFiles: [], ignoreMissingValuesFiles: false };
  const out = `${file}.anew`;
  // Writing a file fails, which shows that the limit is in force.
  await rejects(pool.chartRepack({ file, ...packing, out }, { tenant }), /file too large/);
});

test('templates look objects up, each question once', async (t) => {
  const pool = await openPool(t);
  const lookups =
    '{{ (lookup "v1" "Secret" "apps" "key").data.k }} {{ len (lookup "v1" "Pod" "" "").items }} {{ len (lookup "v1" "Secret" "apps" "none") }} {{ (lookup "v1" "Secret" "apps" "key").metadata.name }}';
  const request = await requestFor(t, {
    'app/templates/cm.yaml': `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {v: '${lookups}'}\n`,
  });
  const asked: string[] = [];
  const lookup = async (query: HelmLookup) => {
    asked.push(`${query.apiVersion} ${query.kind} ${query.namespace} ${query.name}`);
    if (query.kind === 'Pod') return { apiVersion: 'v1', kind: 'PodList', items: [{}, {}] };
    return query.name === 'key' ? { metadata: { name: 'key' }, data: { k: 'v' } } : null;
  };
  const { objects, usedLookups } = await pool.helmRender(request, { tenant, lookup });
  deepEqual(objects[0]?.data, { v: 'v 2 0 key' });
  deepEqual(asked, ['v1 Secret apps key', 'v1 Pod  ', 'v1 Secret apps none']);
  equal(usedLookups, true);
  const refused = async () => {
    throw new Error('secrets "key" is forbidden');
  };
  await rejects(pool.helmRender(request, { tenant, lookup: refused }), (error: RenderError) => {
    match(error.message, /templates\/cm\.yaml:4[\s\S]*secrets "key" is forbidden/);
    return error.reason === 'RenderFailed';
  });
});

test('look-ups have an end: in number, in size, and when the render is aborted', async (t) => {
  const pool = await openPool(t);
  const looking = (template: string) =>
    requestFor(t, { 'app/templates/cm.yaml': `{{ ${template} }}` });
  const many = await looking(
    'range $i := until 2000 }}{{ lookup "v1" "Pod" "a" (print $i) }}{{ end',
  );
  let asked = 0;
  const nothing = async () => {
    asked += 1;
    return null;
  };
  await rejects(pool.helmRender(many, { tenant, lookup: nothing }), /more than 1000 look-ups/);
  equal(asked, 1_000);
  const large = await looking('lookup "v1" "Pod" "a" "b"');
  const huge = async () => ({ data: 'x'.repeat(9 * 1024 ** 2) });
  await rejects(pool.helmRender(large, { tenant, lookup: huge }), /looks up more than/);
  const gone = new AbortController();
  const never = (_: HelmLookup, signal: AbortSignal) => {
    setImmediate(() => gone.abort());
    return once(signal, 'abort').then(() => null);
  };
  await rejects(
    pool.helmRender(large, { tenant, lookup: never, signal: gone.signal }),
    (error: RenderError) => error.reason === 'Aborted',
  );
});

test('a template without end and one that eats memory fail their own request', async (t) => {
  const pool = await openPool(t, { memoryLimitBytes: 512 * 1024 ** 2 });
  const failing = async (template: string, timeoutMs = 60_000) => {
    const request = await requestFor(t, { 'app/templates/bad.yaml': template });
    return await pool.helmRender(request, { tenant, timeoutMs, ...noLookups }).then(
      () => ok(false, 'it was rendered'),
      (error: RenderError) => error,
    );
  };
  const endless = '{{ range 1000000000000 }}{{ end }}';
  equal((await failing(endless, 500))?.reason, 'Timeout');
  const hungry = '{{ $x := "x" }}{{ range 40 }}{{ $x = print $x $x }}{{ end }}';
  equal((await failing(hungry))?.reason, 'MemoryLimit');
  const doubling =
    '{{ define "a" }}{{ include "a" . }}{{ include "a" . }}{{ end }}{{ include "a" . }}';
  match((await failing(doubling))?.message ?? '', /nested reference name: a/);
  const request = await requestFor(t);
  equal((await pool.helmRender(request, { tenant, ...noLookups })).objects.length, 1);
});

test('a schema refers to what TypeScript hands over, and to nothing else', async (t) => {
  const pool = await openPool(t);
  const url = 'https://example.org/schema.json';
  const request = await requestFor(t, {
    'app/values.schema.json': JSON.stringify({ $ref: url }),
  });
  const schema = async (asked: string) => {
    equal(asked, url);
    return '{"properties":{"color":{"type":"number"}}}';
  };
  await rejects(
    pool.helmRender(request, { tenant, ...noLookups, schema }),
    /at '\/color': got string, want number/,
  );
  await rejects(pool.helmRender(request, { tenant, ...noLookups }), /put it into the chart/);
  const local = await requestFor(t, {
    'app/values.schema.json': JSON.stringify({ $ref: 'file:///proc/self/status' }),
  });
  await rejects(pool.helmRender(local, { tenant, ...noLookups }), /isn't in the chart/);
});

test('a chart says what it is, and its version follows the digest of an OCI artifact', async (t) => {
  const pool = await openPool(t);
  const chart = await chartWith(t, { 'app/crds/x.yaml': 'apiVersion: x/v1\nkind: X\n' });
  const digest = `sha256:${'ab'.repeat(32)}`;
  const known = await pool.helmChart({ ...chart, sourceRevision: `1.0.0@${digest}` }, { tenant });
  deepEqual(known, {
    ...{ name: 'app', version: '1.0.0+abababababab', appVersion: '1.2', kubeVersion: '' },
    ...{ type: '', deprecated: false, hasCrds: true, ociDigest: digest },
  });
  const moved = pool.helmChart({ ...chart, sourceRevision: `2.0.0@${digest}` }, { tenant });
  await rejects(moved, /artifact revision 2\.0\.0 does not match chart version 1\.0\.0/);
  deepEqual(await pool.helmCrds({ chart, values: '{}' }, { tenant }), [
    { file: 'app/crds/x.yaml', objects: [{ apiVersion: 'x/v1', kind: 'X' }] },
  ]);
  const forged = { ...chart, digest: `sha256:${'0'.repeat(64)}` };
  await rejects(pool.helmChart(forged, { tenant }), /digest mismatch/);
});

test('values that cannot be used name their layer, and say nothing of a Secret', async (t) => {
  const pool = await openPool(t);
  const layer = { origin: 'Secret/s', text: 'a,hunter2', targetPath: 'x', secret: true };
  await rejects(
    pool.helmValues({ layers: [layer] }, { tenant }),
    (error: RenderError) =>
      error.reason === 'ValuesError' &&
      error.origin === 'Secret/s' &&
      !error.message.includes('hunter2'),
  );
});

test('patches keep what others wrote, and lists of built-in kinds are merged', async (t) => {
  const pool = await openPool(t);
  const pods = (...containers: object[]) => ({
    ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' } },
    spec: { template: { spec: { containers } } },
  });
  const deployment = {
    original: pods({ name: 'web', image: 'a:1' }, { name: 'old', image: 'b:1' }),
    modified: pods({ name: 'web', image: 'a:2' }),
    live: pods({ name: 'web', image: 'a:1' }, { name: 'old', image: 'b:1' }, { name: 'injected' }),
  };
  const thing = (spec: object) => ({
    apiVersion: 'x/v1',
    kind: 'X',
    metadata: { name: 'x' },
    spec,
  });
  const custom = {
    original: thing({ a: 1, b: 1 }),
    modified: thing({ a: 1 }),
    live: thing({ a: 5, b: 1, c: 1 }),
  };
  const objects = [deployment, custom];
  const [strategic, json] = await pool.helmMerge({ objects }, { tenant });
  equal(strategic?.type, 'application/strategic-merge-patch+json');
  deepEqual(JSON.parse(strategic?.patch ?? '').spec.template.spec.containers, [
    { image: 'a:2', name: 'web' },
    { $patch: 'delete', name: 'old' },
  ]);
  deepEqual(json, { type: 'application/merge-patch+json', patch: '{"spec":{"b":null}}' });
  const [, threeWay] = await pool.helmMerge({ objects, threeWayForOthers: true }, { tenant });
  deepEqual(JSON.parse(threeWay?.patch ?? ''), { spec: { a: 1, b: null } });
});
