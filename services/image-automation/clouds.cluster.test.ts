// Images in registries of clouds, and commits to their Git servers, with the identities of accounts. The vendors' hosts
// are on this machine.
import { deepEqual, equal, ok } from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  type Condition,
  GitRepository,
  ImageRepository,
  ImageUpdateAutomation,
  type Kind,
} from '@weir/api';
import {
  type GitServer,
  startGitServer,
  startTagRegistry,
  type TagRegistry,
  until,
} from '@weir/cluster';
import {
  ACCOUNT,
  ACR,
  type CloudHosts,
  CODE_COMMIT,
  ECR,
  ROLE,
  startCloudHosts,
} from '@weir/identity/testing';
import { ServiceAccount } from '@weir/kube';
import { type Harness, startHarness } from './testing/harness.ts';
import { marked, openScene } from './testing/updates/automation.ts';

const GCR = 'eu.gcr.io';
const WRITING = { fieldManager: 'test', force: true };

const stack = new AsyncDisposableStack();
let registry: TagRegistry;
let git: GitServer;
let clouds: CloudHosts['clouds'];
let hosts: CloudHosts['hosts'];
let trustAccount: CloudHosts['trustAccount'];
before(async () => {
  registry = stack.adopt(await startTagRegistry(), (it) => it.close());
  git = stack.adopt(await startGitServer(), (it) => it.close());
  const behind = { registry: registry.url, git: git.url, google: GCR, repository: 'commits' };
  const started = stack.adopt(await startCloudHosts(behind), (it) => it.close());
  ({ clouds, hosts, trustAccount } = started);
});
after(() => stack.disposeAsync());

async function start(flags: Record<string, string>): Promise<Harness> {
  const endpoints = { ...clouds.endpoints, 'azure-devops': new URL(git.url).origin };
  const items = Object.entries(endpoints).map(([name, url]) => `${name}=${url}`);
  return startHarness({ 'cloud-endpoints': items.join(','), ...flags });
}

/** An account that each cloud trusts, and the way to the vendors, in a namespace. */
async function settle(harness: Harness, namespace: string): Promise<void> {
  const metadata = { namespace, ...ACCOUNT };
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata };
  await harness.client.apply(ServiceAccount, account, WRITING);
  trustAccount(namespace);
  await harness.secret({ namespace, name: 'vendors' }, { 'ca.crt': hosts.ca });
  await harness.secret({ namespace, name: 'proxy' }, { address: hosts.proxy });
}

const WAY = { certSecretRef: { name: 'vendors' }, proxySecretRef: { name: 'proxy' } };

describe('images and commits in clouds', () => {
  let harness: Harness;
  before(async () => {
    harness = await start({ 'feature-gates': 'ObjectLevelWorkloadIdentity=true' });
    registry.put('org/app', ['1.0.0', '1.1.0']);
  });
  // Objects that fail are tried again for as long as a service runs, and the next one counts the requests to the clouds.
  after(() => harness.close());

  for (const [provider, host] of [
    ['aws', ECR],
    ['azure', ACR],
    ['gcp', GCR],
  ] as const) {
    test(`an image in a registry of ${provider}, as its account`, async () => {
      const ref = { namespace: await harness.namespace(), name: 'app' };
      await settle(harness, ref.namespace);
      await harness.apply(ImageRepository, ref, {
        ...{ image: `${host}/org/app`, interval: '1h', provider, ...WAY },
        serviceAccountName: 'cloud',
      });
      const object = await harness.ready<ImageRepository>(ImageRepository, ref, 'True');
      equal(object.status?.lastScanResult?.tagCount, 2);
    });
  }

  test('an account that its cloud refuses, and a host that is none of the cloud', async () => {
    const namespace = await harness.namespace();
    await settle(harness, namespace);
    clouds.trust('somebody else', { role: ROLE });
    const spec = { interval: '1h', provider: 'aws', serviceAccountName: 'cloud' };
    // A refused request is repeated, so requests can be counted only before it.
    const before = clouds.calls().length;
    const evil = { namespace, name: 'evil' };
    await harness.apply(ImageRepository, evil, { ...spec, image: `${ECR}.evil.example/org/app` });
    await harness.ready(ImageRepository, evil, 'False', /invalid AWS registry: /);
    equal(clouds.calls().length, before);
    const refused = { namespace, name: 'refused' };
    await harness.apply(ImageRepository, refused, { ...spec, ...WAY, image: `${ECR}/org/app` });
    const denied =
      /^failed to configure authentication options: failed to get access token for artifact registry: .* answered 403: AccessDenied/;
    const object = await harness.ready<ImageRepository>(ImageRepository, refused, 'False', denied);
    equal(readyOf(object.status?.conditions)?.reason, 'AuthenticationFailed');
  });

  for (const [provider, name] of [
    ['azure', 'devops'],
    ['aws', 'commits'],
  ] as const) {
    test(`a commit to a Git server of ${provider}, as the account that the GitRepository names`, async () => {
      const { namespace, choose, automate, holds, repository } = await openScene(
        harness,
        git,
        name,
        (ns) => ({ 'x.yaml': marked(ns, 'app', '1') }),
      );
      await settle(harness, namespace);
      const url =
        provider === 'azure' ? repository.url : `https://${CODE_COMMIT}/v1/repos/commits.git`;
      const way = {
        secretRef: { name: 'vendors' },
        ...(provider === 'aws' ? { proxySecretRef: { name: 'proxy' } } : {}),
      };
      await harness.change(
        GitRepository,
        { namespace, name: 'repo' },
        {
          ...{ url, provider, serviceAccountName: 'cloud', ...way },
        },
      );
      await choose('app', '2');
      await harness.ready(ImageUpdateAutomation, await automate('auto'), 'True');
      await holds('main', 'x.yaml', ':2 ');
    });
  }

  test('no token is in an object', async () => {
    const kinds: Kind[] = [ImageRepository, ImageUpdateAutomation];
    const text = JSON.stringify(await Promise.all(kinds.map((kind) => harness.client.list(kind))));
    for (const secret of clouds.secrets()) ok(!text.includes(secret));
    deepEqual(hosts.clear(), []);
  });
});

function readyOf(conditions: readonly Condition[] = []): Condition | undefined {
  return conditions.find(({ type }) => type === 'Ready');
}

describe('images in clouds, as Flux has them by default', () => {
  test('an account is refused by the name of the gate', async (t) => {
    const harness = await start({});
    t.after(() => harness.close());
    const { namespace, automate } = await openScene(harness, git, 'gated', (ns) => ({
      'x.yaml': marked(ns, 'app', '1'),
    }));
    await settle(harness, namespace);
    const before = clouds.calls().length;
    const account = { provider: 'aws', serviceAccountName: 'cloud' };
    const image = { namespace, name: 'gated-image' };
    await harness.apply(ImageRepository, image, {
      ...{ image: `${ECR}/org/app`, interval: '1h', ...account },
    });
    await harness.change(
      GitRepository,
      { namespace, name: 'repo' },
      {
        ...{ ...account, url: `https://${CODE_COMMIT}/v1/repos/commits.git` },
      },
    );
    const automation = await automate('auto');
    for (const [kind, ref] of [
      [ImageRepository, image],
      [ImageUpdateAutomation, automation],
    ] as const) {
      const stalled = await until(
        async () => {
          const { status } = await harness.read<ImageRepository>(kind, ref);
          return status?.conditions?.find(({ type }) => type === 'Stalled');
        },
        { timeoutMs: 60_000, message: `${kind.kind} to be stalled` },
      );
      equal(stalled?.reason, 'FeatureGateDisabled');
      equal(
        stalled?.message,
        'to use spec.serviceAccountName for provider authentication please enable the ObjectLevelWorkloadIdentity feature gate in the controller',
      );
    }
    equal(clouds.calls().length, before);
  });
});
