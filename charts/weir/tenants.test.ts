// multiTenant: what a tenant commits is applied with the tenant's own rights, and nothing else is.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type GitServer, startGitServer, until } from '@weir/cluster';
import { gitRepository, kustomization, manifest, secret } from './manifests.ts';
import { type Release, startRelease } from './processes.ts';
import { isUsed, rightsOf, rightsUsed, rolesOf } from './rights.ts';
import { NAMESPACE, render } from './testing.ts';

const RBAC = 'rbac.authorization.k8s.io/v1';
const KUSTOMIZE = `system:serviceaccount:${NAMESPACE}:weir-kustomize`;
/** An artifact that was announced before kustomize could reach the store is fetched again after 30 s. */
const TIMEOUT_MS = 120_000;
/** Rights that this test does not use, with the reason. */
const USED_ELSEWHERE = [
  /^kustomizations\.\S+ get$/, // after a conflict with somebody else's write
  /^events patch$/, // a second event of the same kind
  /^serviceaccounts get$/, // see deletion.cluster.test.ts of kustomize
];

interface Conditions {
  status?: { conditions?: { type: string; status: string; reason: string; message: string }[] };
}

describe('where tenants share a cluster', () => {
  let release: Release;
  let git: GitServer;

  before(async () => {
    git = await startGitServer();
    release = await startRelease('multiTenant=true');
    await apply(
      ...['team-a', 'team-b', 'platform'].map((name) => manifest('v1', 'Namespace', { name })),
    );
    await apply(
      binding('RoleBinding', 'team-a', 'edit', 'default'),
      manifest('v1', 'ServiceAccount', { namespace: 'platform', name: 'deployer' }),
      binding('ClusterRoleBinding', 'platform', 'cluster-admin', 'deployer'),
    );
  });
  after(async () => {
    await release?.close();
    await git?.close();
  });

  it('a tenant applies to its own namespace, as the account default', async () => {
    const app = await git.createRepository('app');
    const data = { colour: variable('colour'), key: variable('key') };
    await app.commit({ 'app/one.yaml': manifest('v1', 'ConfigMap', { name: 'one' }, { data }) });
    const substituteFrom = [
      { kind: 'ConfigMap', name: 'colours' },
      { kind: 'Secret', name: 'keys' },
    ];
    await apply(
      manifest(
        'v1',
        'ConfigMap',
        { namespace: 'team-a', name: 'colours' },
        { data: { colour: 'red' } },
      ),
      secret('team-a', 'keys', { key: 'k' }),
      gitRepository('team-a', 'app', app.url),
      kustomization('team-a', 'app', { postBuild: { substituteFrom } }),
    );
    assert.equal((await ready('team-a', 'app')).status, 'True');
    assert.equal((await configMap('team-a', 'one'))?.data.colour, 'red');
  });

  it('what somebody changes by hand is put back', async () => {
    const path = '/api/v1/namespaces/team-a/configmaps/one';
    const contentType = 'application/merge-patch+json';
    await release.cluster.request('PATCH', path, { data: { colour: 'blue' } }, { contentType });
    await until(async () => (await configMap('team-a', 'one'))?.data.colour === 'red', {
      timeoutMs: TIMEOUT_MS,
      message: 'the drift to be corrected',
    });
  });

  it('a tenant whose account may nothing applies nothing', async () => {
    const app = await git.createRepository('b');
    await app.commit({ 'app/two.yaml': manifest('v1', 'ConfigMap', { name: 'two' }) });
    await apply(gitRepository('team-b', 'app', app.url), kustomization('team-b', 'app'));
    const { status, message } = await ready('team-b', 'app');
    assert.equal(status, 'False');
    assert.match(message, /system:serviceaccount:team-b:default.* cannot (?:patch|get|create)/);
    assert.equal(await configMap('team-b', 'two'), undefined);
  });

  it('a tenant does not make itself an administrator', async () => {
    const app = await git.createRepository('evil');
    const evil = binding('ClusterRoleBinding', 'evil', 'cluster-admin', 'default');
    await app.commit({ 'app/evil.yaml': evil });
    await apply(gitRepository('team-a', 'evil', app.url), kustomization('team-a', 'evil'));
    const { status, message } = await ready('team-a', 'evil');
    assert.equal(status, 'False');
    assert.match(message, /clusterrolebindings.* is forbidden/);
  });

  it('a source of another namespace is refused', async () => {
    const sourceRef = { kind: 'GitRepository', name: 'app', namespace: 'team-a' };
    await apply(kustomization('team-b', 'stolen', { sourceRef }));
    const { status, reason } = await ready('team-b', 'stolen');
    assert.deepEqual([status, reason], ['False', 'AccessDenied']);
  });

  it('the platform applies as the account that it names', async () => {
    const platform = await git.createRepository('platform');
    await platform.commit({ 'app/team.yaml': manifest('v1', 'Namespace', { name: 'team-c' }) });
    await apply(
      gitRepository('platform', 'app', platform.url),
      kustomization('platform', 'app', {
        serviceAccountName: 'deployer',
        targetNamespace: undefined,
      }),
    );
    assert.equal((await ready('platform', 'app')).status, 'True');
    await release.cluster.request('GET', '/api/v1/namespaces/team-c');
  });

  it('what is deleted goes with the rights of its account', async () => {
    const { code, stderr } = await release.cluster.kubectl([
      '-n',
      'team-a',
      'delete',
      'kustomization/app',
    ]);
    assert.equal(code, 0, stderr);
    assert.equal(await configMap('team-a', 'one'), undefined);
  });

  it('kustomize never asked for more than it may, and used what it may', async () => {
    await release.stop();
    const events = await release.cluster.audit();
    // Each service checks whether its namespace exists, and takes a refusal to mean that it does.
    const refused = events.filter(
      ({ user, impersonatedUser, responseStatus, objectRef }) =>
        user.username === KUSTOMIZE &&
        !impersonatedUser &&
        responseStatus?.code === 403 &&
        objectRef?.resource !== 'namespaces',
    );
    assert.deepEqual(refused, []);
    const written = events.filter(
      ({ user, impersonatedUser, objectRef }) =>
        user.username === KUSTOMIZE && !impersonatedUser && objectRef?.resource === 'configmaps',
    );
    assert.deepEqual(new Set(written.map(({ verb }) => verb)), new Set(['get', 'list', 'watch']));
    const used = rightsUsed(events, KUSTOMIZE);
    const granted = rightsOf(rolesOf(await render('multiTenant=true'), 'kustomize'));
    assert.deepEqual(
      granted.filter((one) => !isUsed(one, used) && !USED_ELSEWHERE.some((it) => it.test(one))),
      [],
    );
  });

  async function apply(...objects: string[]): Promise<void> {
    const input = objects.join('\n---\n');
    const { code, stderr } = await release.cluster.kubectl(['apply', '-f', '-'], { input });
    assert.equal(code, 0, stderr);
  }

  /** The Ready condition of a Kustomization, once it is True or False. */
  async function ready(namespace: string, name: string) {
    const path = `/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/${namespace}/kustomizations/${name}`;
    const condition = async () => {
      const { status } = await release.cluster.request<Conditions>('GET', path);
      return status?.conditions?.find(
        (it) => it.type === 'Ready' && it.status !== 'Unknown' && it.reason !== 'ArtifactFailed',
      );
    };
    return until(condition, {
      timeoutMs: TIMEOUT_MS,
      message: `${namespace}/${name} to end; ${release.output('kustomize').slice(-2_000)}`,
    });
  }

  async function configMap(namespace: string, name: string) {
    const path = `/api/v1/namespaces/${namespace}/configmaps?fieldSelector=metadata.name%3D${name}`;
    const { items } = await release.cluster.request<{ items: { data: Record<string, string> }[] }>(
      'GET',
      path,
    );
    return items[0];
  }
});

function variable(name: string): string {
  return `\${${name}}`;
}

/**
 * Binds a role to an account of the namespace: in that namespace, or by a ClusterRoleBinding with the name of the
 * namespace everywhere.
 */
function binding(kind: string, namespace: string, role: string, account: string): string {
  const metadata = kind === 'RoleBinding' ? { name: role, namespace } : { name: namespace };
  return manifest(RBAC, kind, metadata, {
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
    subjects: [{ kind: 'ServiceAccount', name: account, namespace }],
  });
}
