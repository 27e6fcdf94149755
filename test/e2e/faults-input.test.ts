import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { GitRepository, Kustomization } from '@weir/api';
import {
  appFiles,
  gitRepository,
  isFailed,
  isReady,
  kustomization,
  startWeir,
  type Weir,
} from '@weir/kit';
import { ConfigMap } from '@weir/kube';
import { stoppedAfter } from './suite.ts';

const NAMESPACE = 'faults';

/** Mistakes of users: each ends in a condition that names the mistake, while other objects are reconciled. */
describe('bad input', () => {
  const started = stoppedAfter();
  let weir: Weir;
  let url: string;

  /** Makes a repository with these files and a GitRepository of the same name, and returns the commit. */
  async function source(name: string, files: Record<string, string>): Promise<string> {
    const repository = await weir.repository(name);
    const commit = await weir.commit(name, files);
    await weir.apply(gitRepository(NAMESPACE, name, repository.url));
    await weir.wait(GitRepository, { namespace: NAMESPACE, name }, isReady(commit));
    return commit;
  }

  const failsFor =
    (type: typeof Kustomization | typeof GitRepository) =>
    async (name: string, reason: string, message: RegExp) => {
      await weir.wait(type, { namespace: NAMESPACE, name }, isFailed(reason, message));
    };
  const sourceFails = (...args: [name: string, reason: string, message: RegExp]) =>
    failsFor(GitRepository)(...args);
  const kustomizationFails = (...args: [name: string, reason: string, message: RegExp]) =>
    failsFor(Kustomization)(...args);

  before(async () => {
    weir = await startWeir(started);
    await weir.namespace(NAMESPACE);
    await source('good', appFiles('app', { namespace: NAMESPACE, name: 'good', replicas: 0 }));
    ({ url } = await weir.repository('spare'));
    await weir.commit('spare', { 'README.md': '# spare\n' });
  });

  it('a URL without a server', async () => {
    await weir.apply(gitRepository(NAMESPACE, 'bad-url', url.replace('spare', 'nowhere')));
    await sourceFails('bad-url', 'GitOperationFailed', /not found/i);
    await weir.apply(gitRepository(NAMESPACE, 'bad-host', 'http://127.0.0.1:1/repo.git'));
    await sourceFails('bad-host', 'GitOperationFailed', /127\.0\.0\.1/);
  });

  it('wrong credentials, and none', async () => {
    const auth = { username: 'ann', password: 'right-password' };
    const closed = await weir.repository('closed', { auth });
    await weir.commit('closed', { 'a.txt': 'a\n' });
    await weir.apply(gitRepository(NAMESPACE, 'no-credentials', closed.url));
    await sourceFails('no-credentials', 'GitOperationFailed', /authentication required/i);

    const secret = (name: string, stringData: Record<string, string>) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace: NAMESPACE, name },
      stringData,
    });
    await weir.apply(
      secret('wrong', { username: 'ann', password: 'hush-hush' }),
      gitRepository(NAMESPACE, 'wrong-credentials', closed.url, { secretRef: { name: 'wrong' } }),
    );
    await sourceFails('wrong-credentials', 'GitOperationFailed', /authentication|credentials/i);
    const object = await weir.find(GitRepository, NAMESPACE, 'wrong-credentials');
    assert.doesNotMatch(JSON.stringify(object?.status), /hush-hush/);

    await weir.apply(
      gitRepository(NAMESPACE, 'no-secret', closed.url, { secretRef: { name: 'missing' } }),
    );
    await sourceFails('no-secret', 'AuthenticationFailed', /secrets? .*missing.* not found/);

    await weir.apply(secret('wrong', auth));
    const ref = { namespace: NAMESPACE, name: 'wrong-credentials' };
    await weir.requestReconcile(GitRepository, ref, 'mended');
    await weir.wait(GitRepository, ref, isReady());
  });

  it('a branch that does not exist', async () => {
    await weir.apply(gitRepository(NAMESPACE, 'no-branch', url, { ref: { branch: 'nope' } }));
    await sourceFails('no-branch', 'GitOperationFailed', /nope/);
  });

  it('a path that does not exist', async () => {
    await weir.apply(kustomization(NAMESPACE, 'no-path', 'good', { path: './nowhere' }));
    await kustomizationFails('no-path', 'ArtifactFailed', /nowhere.*no such file or directory/);
  });

  it('YAML that is broken', async () => {
    const files = appFiles('app', { namespace: NAMESPACE, name: 'tabbed' });
    await source('tabbed', { ...files, 'app/broken.yaml': 'kind: ConfigMap\n\tname: x\n' });
    await weir.apply(kustomization(NAMESPACE, 'tabbed', 'tabbed', { path: './app' }));
    await kustomizationFails('tabbed', 'BuildFailed', /broken\.yaml/);
    assert.equal(await weir.find(ConfigMap, NAMESPACE, 'tabbed'), undefined);
  });

  it('an unknown kind, until its CRD appears', async () => {
    const gadget = `apiVersion: shop.example.org/v1\nkind: Gadget\nmetadata: {name: g, namespace: ${NAMESPACE}}\n`;
    await source('gadget', { 'gadget.yaml': gadget });
    await weir.apply(kustomization(NAMESPACE, 'gadget', 'gadget'));
    await kustomizationFails('gadget', 'ReconciliationFailed', /no matches for kind "Gadget"/);

    await weir.apply(gadgetDefinition());
    const ref = { namespace: NAMESPACE, name: 'gadget' };
    await weir.wait(Kustomization, ref, isReady());
  });

  it('what RBAC forbids', async () => {
    await weir.apply({
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { namespace: NAMESPACE, name: 'powerless' },
    });
    const spec = { path: './app', serviceAccountName: 'powerless', targetNamespace: NAMESPACE };
    await weir.apply(kustomization(NAMESPACE, 'forbidden', 'good', spec));
    await kustomizationFails(
      'forbidden',
      'ReconciliationFailed',
      /system:serviceaccount:faults:powerless.* cannot (get|create|patch) resource/,
    );
  });

  it('large files over ssh', async () => {
    const overSsh = 'ssh://git@127.0.0.1/spare.git';
    await weir.apply(gitRepository(NAMESPACE, 'large', overSsh, { lfs: true }));
    await sourceFails('large', 'UnsupportedField', /spec\.lfs/);
  });

  it('and a correct object was Ready all the time', async () => {
    await weir.apply(kustomization(NAMESPACE, 'good', 'good', { path: './app', wait: true }));
    await weir.wait(Kustomization, { namespace: NAMESPACE, name: 'good' }, isReady());
    assert.ok(await weir.find(ConfigMap, NAMESPACE, 'good'));
  });
});

function gadgetDefinition() {
  const schema = { openAPIV3Schema: { type: 'object' } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'gadgets.shop.example.org' },
    spec: {
      group: 'shop.example.org',
      names: { plural: 'gadgets', kind: 'Gadget' },
      scope: 'Namespaced',
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  };
}
