import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { before, describe, it } from 'node:test';
import { GitRepository, Kustomization } from '@weir/api';
import { appFiles, gitRepository, isReady, kustomization, startWeir, type Weir } from '@weir/kit';
import { type Flux, fluxFor, succeeded } from './flux.ts';
import { stoppedAfter } from './suite.ts';

const NAMESPACE = 'flux-system';

/** The commands by which the CLI reads from a cluster, and builds from what it has read. */
describe('the flux CLI inspects a cluster', () => {
  const started = stoppedAfter();
  let weir: Weir;
  let flux: Flux;
  let commit: string;
  /** A checkout of the repository. */
  let dir: string;

  /** Writes files into the checkout. A `path` in the commands is relative to it. */
  async function checkOut(files: Record<string, string>): Promise<void> {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(dir, path)), { recursive: true });
      await writeFile(join(dir, path), content);
    }
  }

  const files = (greeting: string) =>
    appFiles('deploy', { namespace: 'shop', name: 'web', greeting });

  before(async () => {
    weir = await startWeir(started);
    flux = await fluxFor(weir.cluster.kubeconfig);
    dir = await mkdtemp(join(tmpdir(), 'weir-e2e-checkout-'));
    started.defer(() => rm(dir, { recursive: true, force: true }));
    await weir.namespace(NAMESPACE);
    await weir.namespace('shop');
    const { url } = await weir.repository('shop');
    commit = await weir.commit('shop', files(`from \${city}`));
    await checkOut(files(`from \${city}`));
    const variables = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { namespace: NAMESPACE, name: 'variables' },
      data: { city: 'Oslo', country: 'Norway' },
    };
    await weir.apply(
      variables,
      gitRepository(NAMESPACE, 'shop', url),
      kustomization(NAMESPACE, 'shop', 'shop', {
        path: './deploy',
        postBuild: {
          substitute: { city: 'Bergen' },
          substituteFrom: [{ kind: 'ConfigMap', name: 'variables' }],
        },
      }),
    );
    await weir.wait(GitRepository, { namespace: NAMESPACE, name: 'shop' }, isReady(commit));
    await weir.wait(Kustomization, { namespace: NAMESPACE, name: 'shop' }, isReady(commit));
  });

  const local = () => ['shop', `--path=${join(dir, 'deploy')}`];

  it('build kustomization: what Weir applied', async () => {
    const built = await flux('build', 'kustomization', ...local());
    succeeded(built, 'greeting: from Bergen');
    succeeded(built, 'kustomize.toolkit.fluxcd.io/name: shop');
  });

  it('diff kustomization: nothing, as long as nothing changed', async () => {
    const same = await flux('diff', 'kustomization', ...local(), '--progress-bar=false');
    assert.equal(same.code, 0, same.output);
    assert.doesNotMatch(same.output, /drifted|created|deleted/);
  });

  it('diff kustomization: what a commit would change and create', async () => {
    const extra = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: extra, namespace: shop}\n';
    await checkOut({ ...files('changed'), 'deploy/extra.yaml': extra });
    const found = await flux('diff', 'kustomization', ...local(), '--progress-bar=false');
    assert.equal(found.code, 1, found.output);
    assert.match(found.output, /ConfigMap\/shop\/web drifted/);
    assert.match(found.output, /ConfigMap\/shop\/extra created/);
    assert.match(found.output, /from Bergen[\s\S]*changed/);
    await checkOut(files(`from \${city}`));
  });

  it('debug kustomization --show-vars', async () => {
    const shown = await flux('debug', 'kustomization', 'shop', '--show-vars');
    succeeded(shown, 'city=Bergen');
    succeeded(shown, 'country=Norway');
  });

  it('debug kustomization --show-status and --show-history', async () => {
    succeeded(await flux('debug', 'kustomization', 'shop', '--show-status'), commit);
    succeeded(await flux('debug', 'kustomization', 'shop', '--show-history'), commit);
  });

  it('get all -A', async () => {
    const all = await flux('get', 'all', '-A');
    succeeded(all, `gitrepository/shop\tmain@sha1:${commit.slice(0, 8)}`);
    succeeded(all, `kustomization/shop\tmain@sha1:${commit.slice(0, 8)}`);
  });

  it('stats', async () => {
    const { code, output } = await flux('stats', '-A');
    assert.equal(code, 0, output);
    assert.match(output, /GitRepository\s+1\s+0\s+0/);
    assert.match(output, /Kustomization\s+1\s+0\s+0/);
  });
});
