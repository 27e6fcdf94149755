// Charts and indexes of the real helm binary, read and packed by the engine; what the engine packs, helm reads.
import { equal, match } from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { buildTool, run } from '@weir/cluster';
import { createPool } from '@weir/render';
import { createLogger } from '@weir/telemetry';

test('helm and the engine understand each other', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'weir-helm-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const pool = await createPool({ log: createLogger({ service: 'test', level: 'fatal' }) });
  t.after(() => pool.close());
  const binary = await buildTool('helm');
  const options = { tenant: 'apps' };

  async function helm(...args: string[]): Promise<string> {
    const env = { PATH: process.env.PATH ?? '', HOME: dir };
    const { code, stdout, stderr } = await run(binary, args, { cwd: dir, env });
    equal(code, 0, stderr);
    return stdout;
  }

  await helm('create', 'app');
  await writeFile(join(dir, 'app/values-prod.yaml'), 'replicaCount: 7\n');
  await mkdir(join(dir, 'repository'));
  for (const version of ['1.0.0', '1.2.0', '2.0.0-rc.1']) {
    await helm('package', 'app', '--version', version, '--destination', 'repository');
  }
  await helm('repo', 'index', 'repository', '--url', 'https://example.com/charts');

  const lookup = join(dir, 'lookup');
  const index = { file: join(dir, 'repository/index.yaml'), lookup };
  equal((await pool.chartIndex(index, options)).versions, 3);
  const found = await pool.chartVersion({ lookup, name: 'app', range: '*' }, options);
  equal(found.urls?.[0], 'https://example.com/charts/app-1.2.0.tgz');

  const file = join(dir, 'repository/app-1.2.0.tgz');
  const out = join(dir, 'app-merged.tgz');
  const packing = { version: '1.2.0+3', valuesFiles: ['values.yaml', 'values-prod.yaml'] };
  await pool.chartRepack({ file, out, ...packing, ignoreMissingValuesFiles: false }, options);
  match(await helm('show', 'chart', out), /^version: 1\.2\.0\+3$/m);
  match(await helm('template', 'web', out), /^ {2}replicas: 7$/m);
});
