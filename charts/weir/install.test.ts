// The chart in a real API server: every object is accepted unchanged, pods meet the restricted pod security standard,
// and helm's install, upgrade and uninstall leave what they should.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { kinds } from '@weir/api';
import { type Cluster, startCluster, until } from '@weir/cluster';
import { CHART, helm, NAMESPACE, renderText } from './testing.ts';

let cluster: Cluster;

before(async () => {
  cluster = await startCluster({ nodes: 0, nats: false, kubectl: true, tools: ['helm'] });
  await cluster.request('POST', '/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name: NAMESPACE,
      labels: {
        'pod-security.kubernetes.io/enforce': 'restricted',
        'pod-security.kubernetes.io/warn': 'restricted',
      },
    },
  });
});
after(() => cluster?.close());

describe('the API server', () => {
  const everything = [
    'services.source.replicas=2',
    'nats.replicas=3',
    'installCRDs=true',
    'multiTenant=true',
    'dashboards.enabled=true',
    'tracing.endpoint=http://collector:4318',
    'serviceAccount.annotations.source.a=b',
    'nats.persistence.storageClass=fast',
    'priorityClassName=system-cluster-critical',
    'podLabels.team=a',
    'podAnnotations.note=b',
    'imagePullSecrets[0].name=registry',
    'tolerations[0].operator=Exists',
    'services.kustomize.args={--concurrent=40}',
    'services.kustomize.env[0].name=HTTPS_PROXY',
    'services.kustomize.env[0].value=http://proxy:3128',
    'networkPolicy.artifactsFrom[0].namespaceSelector.matchLabels.a=b',
    `image.digest=sha256:${'a'.repeat(64)}`,
  ];
  const external = [
    'nats.enabled=false',
    'nats.external.url=nats://a:4222',
    'nats.external.credentialsSecret=nats',
    'networkPolicy.enabled=false',
  ];
  const sets: [string, string[]][] = [
    ['the defaults', []],
    ['everything', everything],
    ['an external NATS', external],
    [
      'a NATS without a volume or passwords',
      ['nats.persistence.enabled=false', 'nats.auth.enabled=false'],
    ],
  ];
  for (const [title, values] of sets) {
    it(`takes ${title}, with no warning`, async () => {
      const { code, stderr } = await cluster.kubectl(
        ['apply', '--server-side', '--dry-run=server', '--validate=strict', '-f', '-'],
        { input: await renderText(...values) },
      );
      assert.equal(code, 0, stderr);
      assert.equal(stderr, '');
    });
  }
});

describe('helm', () => {
  const release = ['weir', CHART, '--namespace', NAMESPACE];

  it('installs the definitions, and the release with its notes', async () => {
    const { code, stdout, stderr } = await helm(['install', ...release], cluster.env);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /Weir \S+ is starting in namespace weir-system/);
    assert.match(stdout, /helm show crds/);
    assert.match(stdout, /RISK: who may create a Kustomization.*an administrator of the cluster/);
    assert.match(stdout, /set multiTenant=true/);
    for (const { plural, group } of kinds) await crd(`${plural}.${group}`);
  });

  it('gives each service its own account and Leases in its namespace only', async () => {
    const leases = () => can('source', 'create', 'leases', NAMESPACE);
    await until(leases, { timeoutMs: 10_000, message: 'the rights to be in effect' });
    assert.equal(await can('source', 'create', 'leases', 'default'), false);
    assert.equal(await can('kustomize', 'create', 'clusterrolebindings'), true);
    assert.equal(await can('notification', 'create', 'deployments', 'default'), false);
    assert.equal(await can('source', 'create', 'deployments', 'default'), false);
  });

  it('keeps the passwords and certificates of NATS through an upgrade', async () => {
    const before = await secret('weir-nats-auth');
    assert.deepEqual(Object.keys(before).length, 6);
    for (const password of Object.values(before)) {
      assert.match(Buffer.from(password, 'base64').toString(), /^p[A-Za-z0-9]{40}$/);
    }
    const upgrade = async (...values: string[]) => {
      const { code, stderr } = await helm(['upgrade', ...release, ...values], cluster.env);
      assert.equal(code, 0, stderr);
    };
    await upgrade('--set=logLevel=debug', '--set=nats.tls.enabled=true');
    const certificates = await secret('weir-nats-tls');
    assert.deepEqual(Object.keys(certificates).sort(), ['ca.crt', 'tls.crt', 'tls.key']);
    await upgrade('--set=logLevel=info', '--set=nats.tls.enabled=true');
    assert.deepEqual(await secret('weir-nats-auth'), before);
    assert.deepEqual(await secret('weir-nats-tls'), certificates);
  });

  it('lets source change the definitions of Weir only, and only when told', async () => {
    const ours = 'customresourcedefinitions/gitrepositories.source.toolkit.fluxcd.io';
    assert.equal(await can('source', 'patch', ours), false);
    const upgrade = ['upgrade', ...release, '--set=installCRDs=true'];
    const { code, stderr } = await helm(upgrade, cluster.env);
    assert.equal(code, 0, stderr);
    const granted = async () => (await can('source', 'patch', ours)) && can('source', 'get', ours);
    await until(granted, { timeoutMs: 10_000, message: 'the rights to be in effect' });
    assert.equal(
      await can('source', 'patch', 'customresourcedefinitions/others.example.com'),
      false,
    );
    assert.equal(await can('source', 'delete', ours), false);
    assert.equal(await can('source', 'update', ours), false);
  });

  it('leaves the definitions when the release goes', async () => {
    const { code, stderr } = await helm(
      ['uninstall', 'weir', '--namespace', NAMESPACE],
      cluster.env,
    );
    assert.equal(code, 0, stderr);
    for (const { plural, group } of kinds) await crd(`${plural}.${group}`);
  });
});

async function crd(name: string): Promise<void> {
  await cluster.request('GET', `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`);
}

async function secret(name: string): Promise<Record<string, string>> {
  const path = `/api/v1/namespaces/${NAMESPACE}/secrets/${name}`;
  const { data } = await cluster.request<{ data: Record<string, string> }>('GET', path);
  return data;
}

async function can(
  service: string,
  verb: string,
  resource: string,
  namespace?: string,
): Promise<boolean> {
  const account = `system:serviceaccount:${NAMESPACE}:weir-${service}`;
  const scope = namespace ? ['--namespace', namespace] : ['--all-namespaces'];
  const { stdout } = await cluster.kubectl([
    'auth',
    'can-i',
    verb,
    resource,
    '--as',
    account,
    ...scope,
  ]);
  return stdout.trim() === 'yes';
}
