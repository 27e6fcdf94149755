import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { KubeConfig } from '@kubernetes/client-node';
import { type Cluster, startCluster, until } from '@weir/cluster';
import {
  ApiError,
  ConfigMap,
  CustomResourceDefinition,
  connectAsServiceAccount,
  connectKube,
  Deployment,
  isAlreadyExists,
  isConflict,
  isForbidden,
  isGone,
  isImmutable,
  isInvalid,
  isNoMatch,
  isNotFound,
  type KubeClient,
  type KubeObject,
  Namespace,
  objectKey,
  ServiceAccount,
  serviceAccountUser,
  userAgent,
} from './index.ts';
import { userOf, variantOf } from './testing/kubeconfig.ts';

let cluster: Cluster;
let client: KubeClient;
let dir: string;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'weir-kube-'));
  cluster = await startCluster({
    nodes: 0,
    nats: false,
    controllerManager: false,
    audit: true,
    apiserverFlags: ['--etcd-compaction-interval=1s'],
  });
  client = connectKube({ kubeconfig: cluster.kubeconfig }, { userAgent: userAgent('kustomize') });
  await client.create(ServiceAccount, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'tenant', namespace: 'default' },
  });
});
after(async () => {
  await client?.close();
  await cluster?.close();
  await rm(dir, { recursive: true });
});

function configMap(name: string, data: Record<string, string> = {}): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'default' },
    data,
  };
}

function deployment(name: string, app = name): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'default' },
    spec: {
      replicas: 0,
      selector: { matchLabels: { app } },
      template: {
        metadata: { labels: { app } },
        spec: { containers: [{ name: 'main', image: 'example/app:1' }] },
      },
    },
  };
}

function ref(name: string) {
  return { namespace: 'default', name };
}

async function whoAmI(as: KubeClient): Promise<string> {
  const review = await as.request<{ status: { userInfo: { username: string } } }>({
    method: 'POST',
    path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
  });
  return review.status.userInfo.username;
}

describe('objects', () => {
  it('are created, read, replaced and deleted', async () => {
    const created = await client.create(ConfigMap, configMap('crud', { a: '1' }));
    assert.ok(created.metadata.uid);
    await assert.rejects(client.create(ConfigMap, configMap('crud')), isAlreadyExists);
    const replaced = await client.replace(ConfigMap, { ...created, data: { a: '2' } });
    assert.notEqual(replaced.metadata.resourceVersion, created.metadata.resourceVersion);
    await assert.rejects(client.replace(ConfigMap, { ...created, data: { a: '3' } }), isConflict);
    assert.deepEqual((await client.get(ConfigMap, ref('crud'))).data, { a: '2' });
    await client.delete(ConfigMap, ref('crud'));
    await assert.rejects(client.get(ConfigMap, ref('crud')), (error) => {
      assert.ok(isNotFound(error) && error instanceof ApiError);
      assert.equal(error.message, 'configmaps "crud" not found');
      assert.equal(error.details?.name, 'crud');
      return true;
    });
  });

  it('are patched', async () => {
    await client.create(ConfigMap, configMap('patched', { a: '1', b: '2' }));
    const merged = await client.patch(
      ConfigMap,
      ref('patched'),
      { data: { a: null, c: '3' } },
      { kind: 'merge' },
    );
    assert.deepEqual(merged.data, { b: '2', c: '3' });
    const patched = await client.patch(
      ConfigMap,
      ref('patched'),
      [{ op: 'replace', path: '/data/b', value: 'x' }],
      { kind: 'json' },
    );
    assert.deepEqual(patched.data, { b: 'x', c: '3' });
  });

  it('that are wrong come back with what is wrong', async () => {
    const wrong = deployment('wrong');
    wrong.spec = { selector: {}, template: {} };
    await assert.rejects(client.create(Deployment, wrong), (error) => {
      assert.ok(error instanceof ApiError && isInvalid(error) && !isImmutable(error));
      assert.ok(
        error.details?.causes?.some(({ field }) => field === 'spec.template.spec.containers'),
      );
      return true;
    });
    await client.create(Deployment, deployment('fixed'));
    await assert.rejects(
      client.apply(Deployment, deployment('fixed', 'other'), { fieldManager: 'm', force: true }),
      isImmutable,
    );
  });

  it('need a namespace and a name in their path', async () => {
    const nowhere = { ...configMap('x'), metadata: { name: 'x' } };
    await assert.rejects(client.apply(ConfigMap, nowhere, { fieldManager: 'm' }), TypeError);
    await assert.rejects(client.get(Namespace, { name: '' }), TypeError);
  });
});

describe('server-side apply', () => {
  it('defends the fields of a manager unless forced', async () => {
    await client.apply(ConfigMap, configMap('applied', { a: '1' }), { fieldManager: 'one' });
    const other = configMap('applied', { a: '2' });
    await assert.rejects(
      client.apply(ConfigMap, other, { fieldManager: 'two' }),
      (error) => isConflict(error) && /conflict with "one"/.test(String(error)),
    );
    const forced = await client.apply(ConfigMap, other, { fieldManager: 'two', force: true });
    assert.deepEqual(forced.data, { a: '2' });
    assert.deepEqual(
      forced.metadata.managedFields?.map(({ manager, operation }) => [manager, operation]),
      [['two', 'Apply']],
    );
  });

  it('of what is there already changes nothing', async () => {
    const options = { fieldManager: 'one' };
    const first = await client.apply(ConfigMap, configMap('same', { a: '1' }), options);
    const second = await client.apply(ConfigMap, configMap('same', { a: '1' }), options);
    assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion);
  });

  it('as a dry run leaves nothing behind', async () => {
    const options = { fieldManager: 'one', dryRun: true };
    const dry = await client.apply(ConfigMap, configMap('dry', { a: '1' }), options);
    assert.deepEqual(dry.data, { a: '1' });
    await assert.rejects(client.get(ConfigMap, ref('dry')), isNotFound);
    await client.create(ConfigMap, configMap('dry'), { dryRun: true });
    await assert.rejects(client.get(ConfigMap, ref('dry')), isNotFound);
  });

  it('of the status leaves the rest alone', async () => {
    await client.create(Deployment, deployment('status'));
    const written = await client.patch(
      Deployment,
      ref('status'),
      { spec: { replicas: 9 }, status: { observedGeneration: 1 } },
      { kind: 'merge', subresource: 'status', fieldManager: 'one' },
    );
    assert.deepEqual(written.status, { observedGeneration: 1 });
    assert.equal((written.spec as { replicas: number }).replicas, 0);
    const applied = await client.apply(
      Deployment,
      { ...deployment('status'), status: { replicas: 3 } },
      { fieldManager: 'two', subresource: 'status', force: true },
    );
    assert.equal((applied.status as { replicas: number }).replicas, 3);
  });
});

it('deletes only the object that was meant', async () => {
  const { metadata } = await client.create(ConfigMap, configMap('meant'));
  assert.ok(metadata.uid && metadata.resourceVersion);
  await client.patch(ConfigMap, ref('meant'), { data: { a: '1' } }, { kind: 'merge' });
  const stale = { uid: metadata.uid, resourceVersion: metadata.resourceVersion };
  await assert.rejects(client.delete(ConfigMap, ref('meant'), stale), isConflict);
  await assert.rejects(
    client.delete(ConfigMap, ref('meant'), { uid: '00000000-0000-0000-0000-000000000000' }),
    isConflict,
  );
  await client.delete(ConfigMap, ref('meant'), { uid: metadata.uid });
  await assert.rejects(client.get(ConfigMap, ref('meant')), isNotFound);
});

describe('lists', () => {
  const COUNT = 120;
  before(async () => {
    await client.create(Namespace, {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'many' },
    });
    await Promise.all(
      Array.from({ length: COUNT }, (_, i) => {
        const object = configMap(`item-${i}`, { i: String(i) });
        const labels = { parity: i % 2 === 0 ? 'even' : 'odd' };
        return client.create(ConfigMap, {
          ...object,
          metadata: { ...object.metadata, namespace: 'many', labels },
        });
      }),
    );
  });

  it('are whole, however small the pages', async () => {
    const { items, resourceVersion } = await client.list(ConfigMap, {
      namespace: 'many',
      pageSize: 50,
    });
    assert.equal(new Set(items.map(objectKey)).size, COUNT);
    assert.ok(items.every(({ kind, apiVersion }) => kind === 'ConfigMap' && apiVersion === 'v1'));
    assert.match(resourceVersion, /^\d+$/);
  });

  it('select by label and field, and may leave the content out', async () => {
    const even = await client.list(ConfigMap, { labelSelector: 'parity=even', metadataOnly: true });
    assert.equal(even.items.length, COUNT / 2);
    const [item] = even.items;
    assert.equal(item?.kind, 'ConfigMap');
    assert.equal(item?.data, undefined);
    const one = await client.list(ConfigMap, { fieldSelector: 'metadata.name=item-7' });
    assert.deepEqual(one.items.map(objectKey), ['many/item-7']);
    const only = await client.get(
      ConfigMap,
      { namespace: 'many', name: 'item-7' },
      { metadataOnly: true },
    );
    assert.equal(only.kind, 'ConfigMap');
    assert.equal(only.data, undefined);
  });

  it('that a slow reader leaves open expire as a Gone', async () => {
    const query = { limit: 10 };
    const path = '/api/v1/namespaces/many/configmaps';
    const page = await client.request<{ metadata: { continue: string } }>({
      method: 'GET',
      path,
      query,
    });
    const token = page.metadata.continue;
    const ask = () =>
      client.request({ method: 'GET', path, query: { ...query, continue: token } }).then(
        () => undefined,
        (error: unknown) => error,
      );
    // Compaction runs each second here and forgets what was before the one before.
    const error = await until(
      async () => {
        await client.patch(
          ConfigMap,
          { namespace: 'many', name: 'item-0' },
          { data: { now: String(Date.now()) } },
          { kind: 'merge' },
        );
        return ask();
      },
      { timeoutMs: 20_000, message: 'the continue token to expire' },
    );
    assert.ok(isGone(error), String(error));
  });
});

describe('a listWatch', () => {
  it('tells what happens, with the content or without', async () => {
    const stop = new AbortController();
    const full: string[] = [];
    const metadata: string[] = [];
    const watch = async (told: string[], metadataOnly: boolean) => {
      const selection = { labelSelector: 'watched=yes', metadataOnly, signal: stop.signal };
      for await (const event of client.listWatch(ConfigMap, selection)) {
        if (event.type === 'error') throw event.error;
        if (event.type === 'synced') told.push('synced');
        else told.push(`${event.type} ${event.object.kind} ${JSON.stringify(event.object.data)}`);
        if (event.type === 'deleted') break;
      }
    };
    const watching = Promise.all([watch(full, false), watch(metadata, true)]);
    await until(() => full.length > 0 && metadata.length > 0, {
      timeoutMs: 10_000,
      message: 'both lists',
    });
    const labelled = (value: string, watched: string) => {
      const object = configMap('watched', { a: value });
      return { ...object, metadata: { ...object.metadata, labels: { watched } } };
    };
    await client.apply(ConfigMap, labelled('1', 'yes'), { fieldManager: 'm' });
    await client.apply(ConfigMap, labelled('2', 'yes'), { fieldManager: 'm' });
    // It leaves the selection, which is a deletion for those who watch that.
    await client.apply(ConfigMap, labelled('2', 'no'), { fieldManager: 'm' });
    await watching;
    assert.deepEqual(full, [
      'synced',
      'added ConfigMap {"a":"1"}',
      'modified ConfigMap {"a":"2"}',
      'deleted ConfigMap {"a":"2"}',
    ]);
    assert.deepEqual(metadata, [
      'synced',
      'added ConfigMap undefined',
      'modified ConfigMap undefined',
      'deleted ConfigMap undefined',
    ]);
    stop.abort();
  });
});

describe('discovery', () => {
  it('knows built-in kinds and says so of unknown ones', async () => {
    const found = await client.discovery.resourceForKind('apps/v1', 'Deployment');
    assert.deepEqual([found.plural, found.namespaced], ['deployments', true]);
    assert.ok(found.verbs.includes('watch') && found.subresources.includes('status'));
    await assert.rejects(client.discovery.resourceForKind('example.com/v1', 'Boat'), isNoMatch);
  });

  it('finds a new kind', async () => {
    await client.create(CustomResourceDefinition, {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'boats.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Cluster',
        names: { plural: 'boats', singular: 'boat', kind: 'Boat' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: 'object' } },
          },
        ],
      },
    });
    client.discovery.invalidate();
    const type = await until(() => client.discovery.resourceForKind('example.com/v1', 'Boat'), {
      timeoutMs: 15_000,
      message: 'the new kind',
    });
    assert.equal(type.namespaced, false);
    const boat = { apiVersion: 'example.com/v1', kind: 'Boat', metadata: { name: 'argo' } };
    await until(() => client.create(type, boat), { timeoutMs: 10_000, message: 'its endpoint' });
    assert.deepEqual((await client.list(type)).items.map(objectKey), ['argo']);
  });
});

describe('identity', () => {
  it('may be somebody else, with what that one may do', async () => {
    const tenant = client.impersonate(serviceAccountUser('default', 'tenant'));
    assert.equal(await whoAmI(tenant), 'system:serviceaccount:default:tenant');
    await assert.rejects(tenant.get(ConfigMap, ref('patched')), (error) => {
      assert.ok(isForbidden(error));
      assert.match(String(error), /User "system:serviceaccount:default:tenant" cannot get/);
      return true;
    });
    const extra = {
      user: 'Zoë',
      groups: ['system:masters'],
      extra: { 'example.com/Team': ['a b'] },
    };
    assert.equal(await whoAmI(client.impersonate(extra)), 'Zoë');
    assert.equal(
      (await client.impersonate(extra).get(ConfigMap, ref('patched'))).kind,
      'ConfigMap',
    );
  });

  it('cannot be somebody else without the right to', async () => {
    const tenant = connectAsServiceAccount(client, { namespace: 'default', name: 'tenant' });
    try {
      assert.equal(await whoAmI(tenant), 'system:serviceaccount:default:tenant');
      await assert.rejects(whoAmI(tenant.impersonate({ user: 'jane' })), isForbidden);
    } finally {
      await tenant.close();
    }
  });

  it('of a service account that is missing is an error that says so', async () => {
    const nobody = connectAsServiceAccount(client, { namespace: 'default', name: 'nobody' });
    await assert.rejects(nobody.list(ConfigMap), isNotFound);
    await nobody.close();
  });

  it('comes from a certificate, a token file, a plugin, or KubeConfig itself', async () => {
    assert.ok((await userOf(cluster.kubeconfig))['client-certificate-data']);
    const admin = await whoAmI(client);
    const { token } = await userOf(await cluster.kubeconfigFor('default/tenant'));
    const tokenFile = join(dir, 'token');
    await writeFile(tokenFile, `${token}\n`);
    const credential = {
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status: { token },
    };
    const plugin = join(dir, 'plugin');
    await writeFile(plugin, `#!/bin/sh\necho '${JSON.stringify(credential)}'\n`);
    await chmod(plugin, 0o755);
    const tenant = 'system:serviceaccount:default:tenant';
    const exec = {
      apiVersion: credential.apiVersion,
      command: './plugin',
      interactiveMode: 'Never',
    };
    const users: [string, object, string][] = [
      ['token-file', { tokenFile: 'token' }, tenant],
      ['plugin', { exec }, tenant],
      ['nobody', {}, 'system:anonymous'],
    ];
    for (const [name, user, expected] of users) {
      const path = join(dir, `${name}.kubeconfig`);
      const kubeconfig = await variantOf(cluster.kubeconfig, path, { user: { ...user } });
      const one = connectKube({ kubeconfig });
      const answer = await whoAmI(one).catch((error: unknown) => String(error));
      await one.close();
      assert.ok(answer.includes(expected), `${name}: ${answer}`);
    }
    const config = new KubeConfig();
    config.loadFromFile(cluster.kubeconfig);
    const other = connectKube(config);
    assert.equal(await whoAmI(other), admin);
    await other.close();
  });

  it('is told to the audit log by the user agent', async () => {
    const agents = new Set((await cluster.audit()).map(({ userAgent: agent }) => agent));
    assert.ok(agents.has('weir/0.1.0 (kustomize)'), [...agents].join());
  });
});

it('does nothing any more once closed', async () => {
  const short = connectKube({ kubeconfig: cluster.kubeconfig });
  const events: string[] = [];
  const { signal } = new AbortController();
  const watching = (async () => {
    for await (const event of short.listWatch(Namespace, { signal })) events.push(event.type);
  })();
  await until(() => events.includes('synced'), { timeoutMs: 10_000, message: 'the list' });
  await short.close();
  await watching;
  await assert.rejects(short.list(Namespace), /the Kubernetes client is closed/);
});
