import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { KubeConfig } from '@kubernetes/client-node';
import { type Cluster, startCluster, until } from '@weir/cluster';
import {
  ConfigMap,
  CustomResourceDefinition,
  connectAsServiceAccount,
  connectKube,
  isForbidden,
  isNoMatch,
  isNotFound,
  type KubeClient,
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
  cluster = await startCluster({ nodes: 0, nats: false, controllerManager: false, audit: true });
  client = connectKube({ kubeconfig: cluster.kubeconfig }, { userAgent: userAgent('kustomize') });
  const account = { name: 'tenant', namespace: 'default' };
  await client.create(ServiceAccount, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: account,
  });
  await client.create(ConfigMap, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'guarded', namespace: 'default' },
  });
});
after(async () => {
  await client?.close();
  await cluster?.close();
  await rm(dir, { recursive: true });
});

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
  it('may be that of another user, with the rights of that user', async () => {
    const tenant = client.impersonate(serviceAccountUser('default', 'tenant'));
    assert.equal(await whoAmI(tenant), 'system:serviceaccount:default:tenant');
    await assert.rejects(tenant.get(ConfigMap, ref('guarded')), (error) => {
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
      (await client.impersonate(extra).get(ConfigMap, ref('guarded'))).kind,
      'ConfigMap',
    );
  });

  it('cannot be that of another user without the right to impersonate', async () => {
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

  it('shows in the audit log as the user agent', async () => {
    const agents = new Set((await cluster.audit()).map(({ userAgent: agent }) => agent));
    assert.ok(agents.has('weir/0.1.0 (kustomize)'), [...agents].join());
  });
});
