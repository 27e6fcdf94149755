import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { buildTool, buildTools, PEERS, TEST_TOOLS, type Tool } from './build.ts';
import { run } from './exec.ts';

const VERSION_ARGUMENTS: Partial<Record<Tool, string[]>> = {
  helm: ['version'],
  helm4: ['version'],
  kubectl: ['version', '--client'],
};

test('the stated versions are those in go.mod', async () => {
  const required = {
    etcd: 'go.etcd.io/etcd/server/v3',
    gitea: 'code.gitea.io/gitea',
    helm: 'helm.sh/helm/v3',
    helm4: 'helm.sh/helm/v4',
    kubernetes: 'k8s.io/kubernetes',
    kwok: 'sigs.k8s.io/kwok',
    'nats-server': 'github.com/nats-io/nats-server/v2',
    'otel-collector': 'go.opentelemetry.io/collector/otelcol',
    registry: 'github.com/distribution/distribution/v3',
    sops: 'github.com/getsops/sops/v3',
    'ssh-server': 'golang.org/x/crypto',
    versitygw: 'github.com/versity/versitygw',
    ...Object.fromEntries(PEERS.map((name) => [name, `github.com/fluxcd/${name}`])),
    flux: 'github.com/fluxcd/flux2/v2',
  };
  const source = await readFile(join(import.meta.dirname, 'build.ts'), 'utf8');
  for (const [module, path] of Object.entries(required)) {
    const file = join(import.meta.dirname, 'modules', module, 'go.mod');
    const line = (await readFile(file, 'utf8')).split('\n').find((l) => l.includes(`${path} v`));
    const version = line?.match(/ (v[\d.]+)/)?.[1];
    assert.ok(version, `${module} requires ${path}`);
    assert.ok(source.includes(`'${version}'`), `build.ts names ${module} ${version}`);
  }
});

test('binaries in KUBEBUILDER_ASSETS are preferred', async (t) => {
  const assets = await mkdtemp(join(tmpdir(), 'weir-assets-'));
  t.after(() => rm(assets, { recursive: true, force: true }));
  await writeFile(join(assets, 'etcd'), '', { mode: 0o755 });
  await writeFile(join(assets, 'nats-server'), 'not one of those that the folder is for');
  const env = { ...process.env, KUBEBUILDER_ASSETS: assets };
  const paths = await buildTools(['etcd', 'nats-server'], { env });
  assert.equal(paths.get('etcd'), join(assets, 'etcd'));
  assert.ok(!paths.get('nats-server')?.startsWith(assets));
});

test('binaries of Flux in PEER_BIN are preferred', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'weir-peers-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'flux'), '', { mode: 0o755 });
  const env = { ...process.env, PEER_BIN: folder };
  assert.equal(await buildTool('flux', { env }), join(folder, 'flux'));
});

test('all tools of the tests are built and know their version', async () => {
  const paths = await buildTools(TEST_TOOLS);
  for (const [tool, path] of paths) {
    // Flux's controllers don't print a version, so Go is asked which module each was built from.
    const [command = '', ...args] = tool.endsWith('-controller')
      ? ['go', 'version', '-m', path]
      : [path, ...(VERSION_ARGUMENTS[tool] ?? ['--version'])];
    const { stdout, stderr, code } = await run(command, args);
    assert.equal(code, 0, stderr);
    const version = /-v([\d.]+)-/.exec(path)?.[1];
    assert.ok(version && stdout.includes(version), `${tool}: ${stdout} in ${path}`);
  }
});
