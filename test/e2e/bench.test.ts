import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from '@weir/cluster';

const BENCH = fileURLToPath(new URL('../bench/bench.ts', import.meta.url));
/** The scenarios that have a budget of requests. */
const SCENARIOS = ['chain', 'helm', 'install', 'one', 'all', 'restart', 'idle'];
/** What the scenario of HelmReleases measures one after the other. */
const HELM = ['install', 'all', 'one', 'idle', 'drift', 'render'].map((part) => `helm-${part}`);
const TIMEOUT_MS = 240_000;

it('the benchmark works, and Weir asks the API server for no more than its budgets allow', async () => {
  const out = await mkdtemp(join(tmpdir(), 'weir-e2e-bench-'));
  try {
    const small = ['--apps=20', '--rounds=1', '--idle-seconds=11'];
    const which = SCENARIOS.map((name) => `--scenario=${name}`);
    const args = [BENCH, ...small, ...which, `--out=${out}`, '--check'];
    const { code, stdout, stderr } = await run(process.execPath, args, { timeoutMs: TIMEOUT_MS });
    assert.equal(code, 0, stdout + stderr);
    const { results } = JSON.parse(await readFile(join(out, 'results.json'), 'utf8')) as {
      results: { measurement: { id: string } }[];
    };
    assert.deepEqual(
      results.map(({ measurement }) => measurement.id),
      SCENARIOS.flatMap((name) => (name === 'helm' ? HELM : [name])),
    );
    const files = await readdir(out);
    for (const name of ['results.md', 'time.svg', 'requests.svg', 'memory.svg']) {
      assert.ok(files.includes(name), `${name} among ${files.join(', ')}`);
    }
  } finally {
    await rm(out, { recursive: true });
  }
});
