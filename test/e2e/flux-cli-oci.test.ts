import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { before, describe, it } from 'node:test';
import { OCIRepository } from '@weir/api';
import { REGISTRY_USER, startRegistry } from '@weir/cluster';
import { appFiles, isReady, startWeir, type Weir } from '@weir/kit';
import { ConfigMap } from '@weir/kube';
import { type Flux, fluxFor, succeeded } from './flux.ts';
import { stoppedAfter } from './suite.ts';

const NAMESPACE = 'flux-system';

/** From a folder to a registry and on to the cluster, with the commands of the CLI. Each step depends on those before it. */
describe('the flux CLI and a registry', () => {
  const started = stoppedAfter();
  const creds = `--creds=${REGISTRY_USER.username}:${REGISTRY_USER.password}`;
  let weir: Weir;
  let flux: Flux;
  let url: string;
  let host: string;
  let folder: string;

  before(async () => {
    const registry = started.adopt(await startRegistry({ auth: 'basic' }), (it) => it.close());
    ({ host } = registry);
    url = `oci://${host}/shop/manifests`;
    weir = await startWeir(started);
    flux = await fluxFor(weir.cluster.kubeconfig);
    await weir.namespace(NAMESPACE);
    await weir.namespace('shop');
    folder = join(weir.dir, 'shop');
  });

  /** Pushes the app with a greeting, and returns the digest of the artifact. */
  async function push(tag: string, greeting: string): Promise<string> {
    const files = appFiles('deploy', { namespace: 'shop', name: 'web', greeting });
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), content);
    }
    const pushed = await flux(
      ...['push', 'artifact', `${url}:${tag}`, `--path=${folder}`, creds, '--output=json'],
      ...['--source=https://git.example.com/shop', `--revision=${tag}@sha1:${'0'.repeat(40)}`],
    );
    assert.equal(pushed.code, 0, pushed.output);
    return (JSON.parse(pushed.stdout) as { digest: string }).digest;
  }

  async function greeting(): Promise<unknown> {
    return (await weir.find(ConfigMap, 'shop', 'web'))?.data;
  }

  it('push artifact, create secret oci, create source oci', async () => {
    const digest = await push('1.0.0', 'hello');
    const secret = await flux(
      ...['create', 'secret', 'oci', 'registry', `--url=${host}`],
      ...[`--username=${REGISTRY_USER.username}`, `--password=${REGISTRY_USER.password}`],
    );
    succeeded(secret, "secret 'registry' created");
    const created = await flux(
      ...['create', 'source', 'oci', 'shop', `--url=${url}`, '--tag-semver=1.x'],
      ...['--secret-ref=registry', '--interval=1h'],
    );
    succeeded(created, `fetched revision: 1.0.0@${digest}`);
  });

  it('create kustomization', async () => {
    const created = await flux(
      ...['create', 'kustomization', 'shop', '--source=OCIRepository/shop', '--path=./deploy'],
      ...['--prune', '--wait', '--interval=1h'],
    );
    succeeded(created, 'applied revision 1.0.0@sha256:');
    assert.deepEqual(await greeting(), { greeting: 'hello' });
  });

  it('get sources oci, tree, trace', async () => {
    const got = await flux('get', 'sources', 'oci');
    assert.match(got.stdout, /shop\s+1\.0\.0@sha256:\w+\s+False\s+True/);
    succeeded(got, "stored artifact for digest '1.0.0@sha256:");
    const traced = await flux('trace', 'deployment', 'web', '-n', 'shop');
    succeeded(traced, url);
    assert.match(traced.output, /Origin Revision:\s+1\.0\.0@sha1:0{40}/);
  });

  it('reconcile source oci', async () => {
    const digest = await push('1.1.0', 'again');
    const reconciled = await flux('reconcile', 'kustomization', 'shop', '--with-source');
    succeeded(reconciled, `fetched revision 1.1.0@${digest}`);
    succeeded(reconciled, `applied revision 1.1.0@${digest}`);
    assert.deepEqual(await greeting(), { greeting: 'again' });
  });

  it('tag, list, diff and pull artifact', async () => {
    succeeded(
      await flux('tag', 'artifact', `${url}:1.1.0`, '--tag=stable', creds),
      'artifact tagged',
    );
    const listed = await flux('list', 'artifacts', url, creds);
    for (const tag of ['1.0.0', '1.1.0', 'stable'])
      succeeded(listed, `${host}/shop/manifests:${tag}`);
    succeeded(
      await flux('diff', 'artifact', `${url}:stable`, `--path=${folder}`, creds),
      'no changes',
    );
    const out = join(weir.dir, 'pulled');
    await mkdir(out);
    succeeded(await flux('pull', 'artifact', `${url}:1.0.0`, `--output=${out}`, creds), '1.0.0');
    const [path = ''] = Object.keys(appFiles('deploy', { namespace: 'shop', name: 'web' }));
    assert.match(await readFile(join(out, path), 'utf8'), /kind: /);
  });

  it('suspend, resume', async () => {
    succeeded(await flux('suspend', 'source', 'oci', 'shop'), 'source oci suspended');
    const digest = await push('1.2.0', 'resumed');
    succeeded(await flux('resume', 'source', 'oci', 'shop'), `fetched revision 1.2.0@${digest}`);
    const isNew = isReady(digest);
    await weir.wait(OCIRepository, { namespace: NAMESPACE, name: 'shop' }, isNew);
  });

  it('export, delete', async () => {
    const exported = await flux('export', 'source', 'oci', 'shop');
    succeeded(exported, 'kind: OCIRepository');
    succeeded(exported, `url: ${url}`);
    succeeded(await flux('delete', 'kustomization', 'shop', '--silent'), 'kustomization deleted');
    succeeded(await flux('delete', 'source', 'oci', 'shop', '--silent'), 'source oci deleted');
    await weir.gone(OCIRepository, { namespace: NAMESPACE, name: 'shop' });
  });
});
