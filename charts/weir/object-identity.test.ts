// objectIdentity: the right to make tokens of accounts exists only if the value is set, it is used, and it serves for
// clouds only.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { until } from '@weir/cluster';
import { manifest, ociRepository } from './manifests.ts';
import { type Release, startRelease } from './processes.ts';
import { rightsOf, rightsUsed, rolesOf } from './rights.ts';
import { NAMESPACE, render, SERVICES } from './testing.ts';

const TOKENS = 'serviceaccounts/token create';
const CLOUD_SERVICES = ['source', 'image-automation', 'notification'];
const userOf = (service: string) => `system:serviceaccount:${NAMESPACE}:weir-${service}`;

describe('where objects act in clouds as accounts', () => {
  let release: Release;
  before(async () => {
    // Nothing listens at this address, so that AWS itself gets no request.
    const nowhere = 'services.source.args[0]=--cloud-endpoints=aws-sts=https://127.0.0.1:1';
    release = await startRelease('objectIdentity=true', nowhere);
  });
  after(async () => {
    await release?.close();
  });

  it('services that act in clouds may make tokens, and only where that is set', async () => {
    for (const name of SERVICES) {
      const [off, on] = [await render(), await render('objectIdentity=true')];
      if (['kustomize', 'helm-release'].includes(name)) continue;
      assert.ok(!rightsOf(rolesOf(off, name)).includes(TOKENS), name);
      assert.equal(rightsOf(rolesOf(on, name)).includes(TOKENS), CLOUD_SERVICES.includes(name));
    }
  });

  it('appliers may where they are no administrators, for key management services and other clusters', async () => {
    for (const name of ['kustomize', 'helm-release']) {
      const granted = async (...values: string[]) =>
        rightsOf(rolesOf(await render(...values), name));
      assert.ok((await granted('multiTenant=true', 'objectIdentity=true')).includes(TOKENS));
      assert.ok(!(await granted('multiTenant=true')).includes(TOKENS));
    }
  });

  it('source makes one for the account that an object names', async () => {
    const role = { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::1:role/app' };
    const objects = [
      manifest('v1', 'ServiceAccount', { namespace: 'default', name: 'cloud', annotations: role }),
      ociRepository('default', 'app', {
        url: 'oci://1.dkr.ecr.eu-west-1.amazonaws.com/app',
        ...{ provider: 'aws', serviceAccountName: 'cloud', timeout: '5s' },
      }),
    ];
    const { code, stderr } = await release.cluster.kubectl(['apply', '-f', '-'], {
      input: objects.join('\n---\n'),
    });
    assert.equal(code, 0, stderr);
    await until(
      async () => rightsUsed(await release.cluster.audit(), userOf('source')).has(TOKENS),
      { timeoutMs: 60_000, message: `a token; ${release.output('source').slice(-4_000)}` },
    );
  });

  it('nobody among them gets one that Kubernetes itself takes', async () => {
    for (const service of CLOUD_SERVICES) {
      const ask = (...audiences: string[]) =>
        release.cluster.kubectl([
          ...['create', 'token', 'default', '--namespace=kube-system', '--duration=10m'],
          ...[`--as=${userOf(service)}`, ...audiences.map((it) => `--audience=${it}`)],
        ]);
      await until(async () => (await ask('sts.amazonaws.com')).code === 0, {
        timeoutMs: 30_000,
        message: 'a token for a cloud',
      });
      const others = [
        [],
        ['https://kubernetes.default.svc'],
        ['sts.amazonaws.com', 'https://kubernetes.default.svc'],
        ['vault'],
      ];
      for (const audiences of others) {
        const { code, stderr } = await ask(...audiences);
        assert.notEqual(code, 0, `${service}: ${audiences}`);
        assert.match(stderr, /this service may have tokens for clouds alone/);
      }
    }
  });
});
