// ImageRepositories and ImagePolicies with the commands of the flux CLI, over a registry that asks for credentials.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { ImagePolicy, ImageRepository } from '@weir/api';
import { REGISTRY_USER, startRegistry } from '@weir/cluster';
import { startWeir, type Weir } from '@weir/kit';
import { type Flux, fluxFor, succeeded } from './flux.ts';
import { stoppedAfter } from './suite.ts';

const NAMESPACE = 'flux-system';

/** Each step depends on those before it. */
describe('the flux CLI and tags of images', () => {
  const started = stoppedAfter();
  const { username, password } = REGISTRY_USER;
  let weir: Weir;
  let flux: Flux;
  let image: string;
  let host: string;
  let folder: string;

  before(async () => {
    const registry = started.adopt(await startRegistry({ auth: 'basic' }), (it) => it.close());
    ({ host } = registry);
    image = `${host}/shop/app`;
    weir = await startWeir(started, { processes: [['image-automation']] });
    flux = await fluxFor(weir.cluster.kubeconfig);
    await weir.namespace(NAMESPACE);
    folder = join(weir.dir, 'image');
    await mkdir(folder);
    await writeFile(join(folder, 'content'), 'any');
    await push('1.0.0');
    await push('main-1');
  });

  /** The artifact that the registry has under a tag; only its name matters. */
  async function push(tag: string): Promise<void> {
    const pushed = await flux(
      ...['push', 'artifact', `oci://${image}:${tag}`, `--path=${folder}`],
      ...['--source=https://git.example.com/shop', `--revision=${tag}@sha1:${'0'.repeat(40)}`],
      `--creds=${username}:${password}`,
    );
    assert.equal(pushed.code, 0, pushed.output);
  }

  it('create image repository', async () => {
    const login = [`--username=${username}`, `--password=${password}`];
    succeeded(
      await flux('create', 'secret', 'oci', 'login', `--url=${host}`, ...login),
      "secret 'login' created",
    );
    const created = await flux(
      ...['create', 'image', 'repository', 'app', `--image=${image}`, '--interval=1h'],
      ...['--secret-ref=login', '--scan-timeout=30s'],
    );
    succeeded(created, 'ImageRepository reconciliation completed');
  });

  it('create image policy, by version, by number and by name', async () => {
    const policy = (name: string, ...flags: string[]) =>
      flux('create', 'image', 'policy', name, '--image-ref=app', ...flags);
    for (const created of [
      await policy('version', '--select-semver=1.x', '--reflect-digest=IfNotPresent'),
      await policy(
        'number',
        '--select-numeric=asc',
        '--filter-regex=^main-(\\d+)$',
        '--filter-extract=$1',
      ),
      await policy('name', '--select-alpha=desc'),
    ]) {
      succeeded(created, 'ImagePolicy reconciliation completed');
    }
  });

  it('get image repository, get image policy, get images all', async () => {
    const repository = await flux('get', 'image', 'repository', 'app');
    assert.match(repository.stdout, /app\s+\S+\s+False\s+True\s+successful scan: found 2 tags/);
    const policies = await flux('get', 'image', 'policy');
    assert.match(policies.stdout, /name\s+\S+\/shop\/app\s+1\.0\.0\s+True/);
    assert.match(policies.stdout, /number\s+\S+\/shop\/app\s+main-1\s+True/);
    assert.match(policies.stdout, /version\s+\S+\/shop\/app\s+1\.0\.0\s+True/);
    const all = await flux('get', 'images', 'all');
    for (const name of ['imagerepository/app', 'imagepolicy/version', 'imagepolicy/number']) {
      succeeded(all, name);
    }
  });

  it('reconcile image repository and policy', async () => {
    await push('1.1.0');
    succeeded(await flux('reconcile', 'image', 'repository', 'app'), 'scan fetched 3 tags');
    const reconciled = await flux('reconcile', 'image', 'policy', 'version');
    succeeded(reconciled, 'selected ref');
    succeeded(reconciled, `${image}:1.1.0@sha256:`);
  });

  it('suspend, resume', async () => {
    for (const [kind, name] of [
      ['repository', 'app'],
      ['policy', 'version'],
    ] as const) {
      succeeded(await flux('suspend', 'image', kind, name), `image ${kind} suspended`);
      succeeded(await flux('resume', 'image', kind, name), `image ${kind} resumed`);
    }
    const events = await flux('events', '--for=ImageRepository/app');
    succeeded(events, 'found 3 tags');
  });

  it('export, delete', async () => {
    succeeded(await flux('export', 'image', 'repository', 'app'), `image: ${image}`);
    succeeded(await flux('export', 'image', 'policy', 'version'), 'range: 1.x');
    succeeded(
      await flux('delete', 'image', 'policy', 'version', '--silent'),
      'image policy deleted',
    );
    await weir.gone(ImagePolicy, { namespace: NAMESPACE, name: 'version' });
    const deleted = await flux('delete', 'image', 'repository', 'app', '--silent');
    succeeded(deleted, 'image repository deleted');
    await weir.gone(ImageRepository, { namespace: NAMESPACE, name: 'app' });
  });
});
