// Holes that others have had, by the numbers under which they are known: each is tried on Weir as a whole. Those that are
// about one program are beside it (libs/render/engine/holes_test.go; services/notification/receivers/verify/verify.test.ts).
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { HelmRelease, type Kind, Kustomization } from '@weir/api';
import { type ChartRepository, startChartRepository, until } from '@weir/cluster';
import { gitRepository, kustomization, readyOf, startWeir, type Weir } from '@weir/kit';
import { ConfigMap, type KubeObject } from '@weir/kube';
import { intervalKinds, objectOf } from './intervals.ts';
import { stoppedAfter } from './suite.ts';

const NAMESPACE = 'tenant-a';
const timeoutMs = 60_000;
/** The account that every object acts as that names none; it may do nothing. */
const DEFAULT_ACCOUNT = 'nobody';
const ACCOUNT = `system:serviceaccount:${NAMESPACE}:${DEFAULT_ACCOUNT}`;
const CANARY = 'canary-of-the-pod';

describe('holes that others have had', () => {
  const started = stoppedAfter();
  let weir: Weir;
  let server: ChartRepository;
  let count = 0;
  const names = (kind: string) => `${kind.toLowerCase()}-${++count}`;
  const at = (name: string) => ({ namespace: NAMESPACE, name });

  before(async () => {
    server = started.adopt(await startChartRepository(), (it) => it.close());
    weir = await startWeir(started, {
      flags: [`--default-service-account=${DEFAULT_ACCOUNT}`],
      cluster: { audit: true },
    });
    await weir.namespace(NAMESPACE);
    const { url } = await weir.repository('apps');
    await weir.commit('apps', {
      'app/cm.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: applied}\n',
      'chart/Chart.yaml': 'apiVersion: v2\nname: chart\nversion: 1.0.0\n',
      'chart/templates/cm.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: applied}\n',
    });
    await weir.apply(
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: at(DEFAULT_ACCOUNT) },
      gitRepository(NAMESPACE, 'apps', url),
    );
  });

  /** A Kustomization and a HelmRelease with more in their specs. */
  function both(spec: object): { kind: Kind; object: KubeObject }[] {
    const sourceRef = { kind: 'GitRepository', name: 'apps' };
    const common = { path: './app', targetNamespace: NAMESPACE, ...spec };
    const release: KubeObject = {
      ...{ apiVersion: HelmRelease.apiVersion, kind: 'HelmRelease' },
      metadata: at(names('release')),
      spec: { interval: '1h', chart: { spec: { chart: './chart', sourceRef } }, ...spec },
    } as KubeObject;
    return [
      { kind: Kustomization, object: kustomization(NAMESPACE, names('app'), 'apps', common) },
      { kind: HelmRelease, object: release },
    ];
  }

  /** Waits until an object reports that it failed, and returns its message. */
  async function failureOf(kind: Kind, { metadata }: KubeObject): Promise<string> {
    const isFailed = (it: KubeObject) => readyOf(it)?.status === 'False';
    const failed = await weir.wait<KubeObject>(kind, at(metadata.name), isFailed, timeoutMs);
    return readyOf(failed)?.message ?? '';
  }

  async function assertNothingApplied(): Promise<void> {
    assert.equal(await weir.find(ConfigMap, NAMESPACE, 'applied'), undefined);
  }

  it('CVE-2021-41254: no shell sees the name or the token of an account', async () => {
    const file = join(weir.dir, 'made-by-a-shell');
    const script = `$(touch ${file}); touch ${file}; \`touch ${file}\``;
    // Anybody who may create Secrets chooses the content of an account's token.
    await weir.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: at('deployer') }, {
      ...{ apiVersion: 'v1', kind: 'Secret', type: 'Opaque', metadata: at('deployer-token-abcde') },
      stringData: { token: `x"; touch ${file}; #`, 'ca.crt': script, namespace: script },
    } as KubeObject);
    const accounts = ['deployer', `deployer; touch ${file}`, `$(touch ${file})`, `-h ${script}`];
    for (const serviceAccountName of accounts) {
      for (const { kind, object } of both({ serviceAccountName })) {
        await weir.apply(object);
        await failureOf(kind, object);
      }
    }
    assert.ok(!existsSync(file), 'a shell ran');
    await assertNothingApplied();
  });

  it('CVE-2022-24817: a kubeconfig runs no command, and reads no file of the pod', async () => {
    const file = join(weir.dir, 'made-by-a-kubeconfig');
    const ofPod = join(weir.dir, 'token');
    await writeFile(ofPod, CANARY);
    const exec = {
      ...{ apiVersion: 'client.authentication.k8s.io/v1', interactiveMode: 'Never' },
      ...{ command: 'sh', args: ['-c', `touch ${file}; echo '{}'`] },
    };
    const config = { 'cmd-path': 'sh', 'cmd-args': `-c "touch ${file}"`, 'token-key': '{.a}' };
    const users: Record<string, object> = {
      exec: { exec },
      provider: { 'auth-provider': { name: 'gcp', config } },
      'token-file': { tokenFile: ofPod },
      files: { 'client-certificate': ofPod, 'client-key': ofPod },
    };
    for (const [name, user] of Object.entries(users)) {
      const value = JSON.stringify({
        ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'c' },
        clusters: [{ name: 'c', cluster: { server: server.url } }],
        users: [{ name: 'u', user }],
        contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
      });
      const kubeconfig = { apiVersion: 'v1', kind: 'Secret', metadata: at(`kubeconfig-${name}`) };
      await weir.apply({ ...kubeconfig, stringData: { value } } as KubeObject);
      const spec = { kubeConfig: { secretRef: { name: `kubeconfig-${name}` } }, timeout: '5s' };
      for (const { kind, object } of both(spec)) {
        await weir.apply(object);
        assert.ok(!(await failureOf(kind, object)).includes(CANARY));
      }
    }
    assert.ok(!existsSync(file), 'a command ran');
    const sent = server.requests().map(({ authorization = '' }) => authorization);
    assert.ok(!sent.some((it) => it.includes(CANARY)), 'a file of the pod was sent');
    await assertNothingApplied();
  });

  it('CVE-2022-39272: a duration that nobody can read stops no other object of its kind', async () => {
    const durations = ['99999999999999999999m', `${'9'.repeat(300)}m`];
    const kinds = intervalKinds();
    for (const kind of kinds) {
      for (const [index, duration] of durations.entries()) {
        await weir.apply(objectOf(kind, at(`bad-${index}`), duration));
      }
    }
    await handlesRequests(kinds);
    // Objects may have been stored before there was a pattern.
    await removePatterns(kinds);
    const store = (kind: Kind) =>
      weir.apply(objectOf(kind, at('worse'), 'whenever')).then(
        () => true,
        () => false,
      );
    // The API server takes a moment to forget a pattern.
    for (const kind of kinds) await until(() => store(kind), { timeoutMs, message: 'no pattern' });
    await handlesRequests(kinds);
  });

  /** A new object of each kind is checked. */
  async function handlesRequests(kinds: readonly Kind[]): Promise<void> {
    const name = names('good');
    for (const kind of kinds) {
      await weir.apply(objectOf(kind, at(name), '1h'));
      await weir.requestReconcile(kind, at(name), name);
    }
    const isHandled = ({ status }: KubeObject) =>
      (status as { lastHandledReconcileAt?: string })?.lastHandledReconcileAt === name;
    for (const kind of kinds) await weir.wait(kind, at(name), isHandled, timeoutMs);
  }

  async function removePatterns(kinds: readonly Kind[]): Promise<void> {
    const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    for (const { group, plural } of kinds) {
      const url = `${path}/${plural}.${group}`;
      const crd = await weir.client.request<object>({ method: 'GET', path: url });
      const open = JSON.stringify(crd, (key, value: unknown) =>
        key === 'pattern' && String(value).includes('(ms|s|m') ? undefined : value,
      );
      const body = JSON.parse(open) as object;
      await weir.client.request({ method: 'PUT', path: url, body });
    }
  }

  it('CVE-2024-31216: the signature of a URL gets into no log, condition or event', async () => {
    const secret = 'sIgNaTuRe-of-a-SAS-token';
    const query = `?sv=2022-11-02&se=2030-01-01&sp=rl&sig=${secret}`;
    // Nobody listens there, which is what the failure says.
    const base = 'http://127.0.0.1:1/container';
    const specs: Record<string, object> = {
      GitRepository: { url: `${base}${query}` },
      HelmRepository: { url: `${base}${query}` },
      Bucket: { endpoint: `127.0.0.1:1${query}`, bucketName: 'b', insecure: true },
    };
    for (const kind of intervalKinds().filter((it) => it.kind in specs)) {
      const { metadata } = objectOf(kind, at(names(kind.kind)), '1h');
      const { apiVersion } = kind;
      const spec = { interval: '1h', timeout: '5s', ...specs[kind.kind] };
      const object = { apiVersion, kind: kind.kind, metadata, spec } as KubeObject;
      // A refused object isn't shown either.
      const isTaken = await weir.apply(object).then(
        () => true,
        () => false,
      );
      if (!isTaken) continue;
      const said = await failureOf(kind, object);
      assert.ok(!said.includes(secret), said);
    }
    const { items } = await weir.client.list(
      await weir.client.discovery.resourceForKind('v1', 'Event'),
      { namespace: NAMESPACE },
    );
    assert.ok(!JSON.stringify(items).includes(secret), 'it is in an event');
    for (const { log } of weir.processes) {
      assert.ok(!(await readFile(log, 'utf8')).includes(secret), `it is in ${log}`);
    }
  });

  it('CVE-2026-23990: an account that comes out empty is not the service itself', async () => {
    const failures: string[] = [];
    for (const serviceAccountName of ['', ' ', '\t']) {
      for (const { kind, object } of both({ serviceAccountName })) {
        const isTaken = await weir.apply(object).then(
          () => true,
          (error: Error) => !failures.push(error.message),
        );
        if (isTaken) failures.push(await failureOf(kind, object));
      }
    }
    assert.equal(failures.length, 6);
    await assertNothingApplied();
    const own = (await weir.cluster.audit()).filter(
      ({ verb, user, impersonatedUser, objectRef = {} }) =>
        objectRef.resource === 'configmaps' &&
        objectRef.name === 'applied' &&
        ['create', 'patch', 'update', 'delete'].includes(verb) &&
        user.username.includes('weir') &&
        impersonatedUser === undefined,
    );
    assert.deepEqual(own, []);
    const as = (await weir.cluster.audit()).map((it) => it.impersonatedUser?.username);
    assert.ok(as.includes(ACCOUNT), 'an empty name is that of the default account');
  });
});
