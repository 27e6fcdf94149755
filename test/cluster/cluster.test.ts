import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { StatusError } from './api.ts';
import { type Cluster, startCluster } from './cluster.ts';
import { until } from './until.ts';

const TIMEOUT_MS = 30_000;

let cluster: Cluster;
before(async () => {
  cluster = await startCluster({ kubectl: true, audit: true });
});
after(() => cluster.close());

async function kubectl(args: string[], input?: string): Promise<string> {
  const result = await cluster.kubectl(args, input === undefined ? {} : { input });
  assert.equal(result.code, 0, result.stderr);
  return result.stdout;
}

interface Workload {
  metadata: { generation: number };
  spec: { replicas?: number };
  status: {
    observedGeneration?: number;
    availableReplicas?: number;
    conditions?: { type: string; status: string; reason?: string }[];
  };
}

function hasCondition(object: Workload, type: string): boolean {
  return (object.status.conditions ?? []).some((c) => c.type === type && c.status === 'True');
}

function deployment(name: string, image: string): object {
  const labels = { app: name };
  const spec = { containers: [{ name: 'main', image }] };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec },
    },
  };
}

function job(name: string, image: string): object {
  const spec = { restartPolicy: 'Never', containers: [{ name: 'main', image }] };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name },
    spec: { backoffLimit: 0, template: { spec } },
  };
}

const deployments = '/apis/apps/v1/namespaces/default/deployments';
const jobs = '/apis/batch/v1/namespaces/default/jobs';

test('a Deployment becomes available on the fake nodes', async () => {
  await cluster.request('POST', deployments, deployment('web', 'example.com/web:1.0'));
  await until(
    async () =>
      hasCondition(await cluster.request<Workload>('GET', `${deployments}/web`), 'Available'),
    { timeoutMs: TIMEOUT_MS, message: 'the Deployment to become available' },
  );
  const ready = await kubectl(['get', 'pods', '-l', 'app=web', '--no-headers']);
  assert.match(ready, /^web-\S+ +1\/1 +Running/);
});

test('a pod whose image is made to fail never becomes ready', async () => {
  await cluster.request('POST', deployments, deployment('broken', 'example.com/web:fail-1'));
  const pods = await until(
    async () => {
      const shown = await kubectl(['get', 'pods', '-l', 'app=broken', '--no-headers']);
      return shown.includes('ErrImagePull') && shown;
    },
    { timeoutMs: TIMEOUT_MS, message: 'the pod to fail' },
  );
  assert.match(pods, /^broken-\S+ +0\/1 +ErrImagePull/);
  const { status } = await cluster.request<Workload>('GET', `${deployments}/broken`);
  assert.equal(status.availableReplicas ?? 0, 0);
});

test('a Deployment whose image is slow takes 3 s to become available', async () => {
  const started = performance.now();
  await cluster.request('POST', deployments, deployment('later', 'example.com/slow:1'));
  await until(
    async () =>
      hasCondition(await cluster.request<Workload>('GET', `${deployments}/later`), 'Available'),
    { timeoutMs: TIMEOUT_MS, message: 'the Deployment to become available' },
  );
  assert.ok(performance.now() - started > 2_500);
});

test('Jobs complete, or fail when their image says so', async () => {
  await cluster.request('POST', jobs, job('migrate', 'example.com/migrate:1.0'));
  await cluster.request('POST', jobs, job('bad', 'example.com/migrate:fail'));
  const read = (name: string) => cluster.request<Workload>('GET', `${jobs}/${name}`);
  const options = { timeoutMs: TIMEOUT_MS, message: 'the Jobs to end' };
  await until(async () => hasCondition(await read('migrate'), 'Complete'), options);
  await until(async () => hasCondition(await read('bad'), 'Failed'), options);
});

test('a deleted namespace disappears with its pods', async () => {
  await kubectl(['create', 'namespace', 'short-lived']);
  await cluster.request(
    'POST',
    deployments.replace('default', 'short-lived'),
    deployment('web', 'web'),
  );
  await kubectl(['delete', 'namespace', 'short-lived', '--timeout=30s']);
  await assert.rejects(cluster.request('GET', '/api/v1/namespaces/short-lived'), {
    name: 'StatusError',
    status: 404,
  });
});

test('RBAC holds for service accounts and their kubeconfigs', async () => {
  await kubectl(['create', 'serviceaccount', 'reader']);
  const path = await cluster.kubeconfigFor('default/reader');
  const asReader = (...args: string[]) => cluster.kubectl([`--kubeconfig=${path}`, ...args]);
  const whoami = await asReader('auth', 'whoami', '-o', 'jsonpath={.status.userInfo.username}');
  assert.equal(whoami.stdout, 'system:serviceaccount:default:reader');
  const refused = await asReader('get', 'secrets');
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /Forbidden/);

  await kubectl(['create', 'role', 'reader', '--verb=list', '--resource=secrets']);
  await kubectl([
    'create',
    'rolebinding',
    'reader',
    '--role=reader',
    '--serviceaccount=default:reader',
  ]);
  await until(async () => (await asReader('get', 'secrets')).code === 0, {
    timeoutMs: TIMEOUT_MS,
    message: 'the role to be granted',
  });
  await assert.rejects(cluster.kubeconfigFor('default/nobody'), StatusError);
});

test('requests are logged for counting', async () => {
  const path = '/api/v1/namespaces/default/configmaps?limit=7';
  await cluster.request('GET', path);
  const found = await until(
    async () => (await cluster.audit()).filter(({ requestURI }) => requestURI === path),
    { timeoutMs: TIMEOUT_MS, message: 'the request in the audit log' },
  );
  assert.equal(found.length, 1);
  assert.equal(found[0]?.verb, 'list');
  assert.equal(found[0]?.user.username, 'admin');
  assert.equal(found[0]?.responseStatus?.code, 200);
});

test('kube-apiserver keeps its address and data over a restart', async () => {
  await kubectl(['create', 'configmap', 'kept', '--from-literal=a=b']);
  const pid = cluster.pids()['kube-apiserver'];
  await cluster.restart('kube-apiserver');
  assert.notEqual(cluster.pids()['kube-apiserver'], pid);
  assert.equal(await kubectl(['get', 'configmap', 'kept', '-o', 'jsonpath={.data.a}']), 'b');

  await cluster.stop('kube-apiserver', { signal: 'SIGKILL' });
  await assert.rejects(cluster.request('GET', '/readyz'), { code: 'ECONNREFUSED' });
  assert.equal(cluster.pids()['kube-apiserver'], undefined);
  await cluster.start('kube-apiserver');
  assert.equal(await kubectl(['get', 'configmap', 'kept', '-o', 'jsonpath={.data.a}']), 'b');
});

test('the controllers continue after a restart of kube-apiserver and etcd', async () => {
  await cluster.restart('etcd');
  await cluster.restart('kube-apiserver', { signal: 'SIGKILL' });
  await cluster.request('POST', deployments, deployment('afterwards', 'web'));
  await until(
    async () =>
      hasCondition(
        await cluster.request<Workload>('GET', `${deployments}/afterwards`),
        'Available',
      ),
    { timeoutMs: 60_000, message: 'the Deployment to become available' },
  );
  assert.equal(Object.keys(cluster.pids()).length, 6);
});

test('errors name the missing option', () => {
  assert.throws(() => cluster.bin('helm'), /start it with tools: \['helm'\]/);
});
