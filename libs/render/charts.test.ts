import { deepEqual, equal, rejects } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { RenderError } from './error.ts';
import { packInto } from './testing/artifact.ts';
import { openPool } from './testing/pool.ts';

const options = { tenant: 'apps' };
const CHART = {
  'app/Chart.yaml': 'apiVersion: v2\nname: app\nversion: 1.0.0\n',
  'app/values.yaml': 'a: 1\n',
  'app/prod.yaml': 'a: 2\n',
};

async function open(t: TestContext) {
  const dir = await mkdtemp(join(tmpdir(), 'weir-charts-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return { dir, pool: await openPool(t) };
}

async function digestOf(file: string): Promise<string> {
  const bytes = await readFile(file);
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

test('a chart is looked up in an index without the rest of it', async (t) => {
  const { dir, pool } = await open(t);
  const file = join(dir, 'index.yaml');
  const lookup = join(dir, 'lookup');
  const json = join(dir, 'index.json');
  const versions = ['1.0.0', '1.1.0', '2.0.0-rc.1'];
  const entries = versions.map((it) => `  - {name: app, version: ${it}, urls: [app-${it}.tgz]}\n`);
  await writeFile(file, `apiVersion: v1\nentries:\n  app:\n${entries.join('')}`);
  deepEqual(await pool.chartIndex({ file, json, lookup }, options), { charts: 1, versions: 3 });
  const parsed = JSON.parse(await readFile(json, 'utf8'));
  deepEqual(
    parsed.entries.app.map((it: { version: string }) => it.version),
    ['2.0.0-rc.1', '1.1.0', '1.0.0'],
  );
  const found = await pool.chartVersion({ lookup, name: 'app', range: '1.x' }, options);
  deepEqual(found, { version: '1.1.0', target: '1.1.0', urls: ['app-1.1.0.tgz'] });
  await rejects(
    pool.chartVersion({ lookup, name: 'none', range: '' }, options),
    new RenderError('InvalidChartReference', 'no chart name found'),
  );
});

test('a packed chart is packed anew, each time to the same bytes', async (t) => {
  const { dir, pool } = await open(t);
  const { file } = await packInto(dir, CHART);
  deepEqual(await pool.chartMetadata(file, options), { name: 'app', version: '1.0.0' });
  const digests = new Set<string>();
  for (const name of ['one', 'two']) {
    const out = join(dir, `${name}.tgz`);
    const packing = { version: '1.0.0+3', valuesFiles: ['prod.yaml'] };
    const request = { file, ...packing, ignoreMissingValuesFiles: false, out };
    const { valuesFiles } = await pool.chartRepack(request, options);
    deepEqual(valuesFiles, ['prod.yaml']);
    digests.add(await digestOf(out));
  }
  equal(digests.size, 1);
});

test('a chart of an artifact names what has to be fetched first', async (t) => {
  const { dir, pool } = await open(t);
  const dependency = { name: 'lib', version: '0.x', repository: 'https://example.com/charts' };
  const chart = { ...CHART, 'lib/x': '' };
  chart['app/Chart.yaml'] += `dependencies: [${JSON.stringify(dependency)}]\n`;
  const artifact = await packInto(dir, chart);
  const source = { artifact, path: './app', metadata: 'abc' };
  deepEqual(await pool.chartSource(source, options), {
    ...{ name: 'app', version: '1.0.0+abc', isFolder: true },
  });
  const out = join(dir, 'three.tgz');
  const packing = { version: '1.0.0+abc', valuesFiles: [], ignoreMissingValuesFiles: false, out };
  const request = { ...source, ...packing, dependencies: [] };
  deepEqual(await pool.chartPack(request, options), {
    ...{ valuesFiles: null, resolved: 0 },
    missing: [{ key: 'lib', ...dependency }],
  });
});
