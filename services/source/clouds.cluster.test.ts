// Sources of clouds: registries and Git servers that are opened with an identity. The vendors' hosts are on this
// machine.
import { deepEqual, doesNotMatch, equal, ok } from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { GitRepository, HelmChart, HelmRepository, type Kind, OCIRepository } from '@weir/api';
import {
  type GitServer,
  type RegistryServer,
  startGitServer,
  startRegistry,
  until,
} from '@weir/cluster';
import {
  ACCOUNT,
  ACR,
  APPLICATION,
  type CloudHosts,
  CODE_COMMIT,
  ECR,
  EMAIL,
  ROLE,
  STS,
  startCloudHosts,
} from '@weir/identity/testing';
import { type ServiceHarness, startServiceHarness } from '@weir/kit';
import { Secret, ServiceAccount } from '@weir/kube';
import { pushArtifact, tarGz } from '@weir/oci/testing';
import { service } from './main.ts';
import { CHART_LAYER } from './shared/highest-tag.ts';

const GAR = 'europe-west1-docker.pkg.dev';
const WRITING = { fieldManager: 'test', force: true };
const DISABLED =
  'to use spec.serviceAccountName for provider authentication please enable the ObjectLevelWorkloadIdentity feature gate in the controller';

const stack = new AsyncDisposableStack();
const saved = { ...process.env };
let registry: RegistryServer;
let git: GitServer;
let clouds: CloudHosts['clouds'];
let hosts: CloudHosts['hosts'];
let trustAccount: CloudHosts['trustAccount'];
let flags: Record<string, string>;
let harness: ServiceHarness;
before(async () => {
  registry = stack.adopt(await startRegistry(), (it) => it.close());
  git = stack.adopt(await startGitServer(), (it) => it.close());
  const behind = { registry: registry.url, git: git.url, google: GAR, repository: 'app' };
  const started = stack.adopt(await startCloudHosts(behind), (it) => it.close());
  ({ clouds, hosts, trustAccount } = started);
  // Requests to the vendors go through the operator's proxy, unless an object names a proxy of its own.
  process.env.HTTPS_PROXY = hosts.proxy;
  process.env.NO_PROXY = '127.0.0.1,localhost';
  // AWS STS is asked at its own host.
  const { 'aws-sts': _, ...others } = clouds.endpoints;
  const endpoints = Object.entries({ ...others, 'azure-devops': new URL(git.url).origin });
  flags = {
    ...{ 'artifact-port': '0', 'allow-local-addresses': 'true', 'lease-duration': '2s' },
    'cloud-endpoints': endpoints.map(([name, url]) => `${name}=${url}`).join(','),
  };
  harness = await startServiceHarness({ service, flags });
});
after(async () => {
  await harness?.close();
  await stack.disposeAsync();
  process.env = saved;
});

/** A namespace with an account that each cloud trusts, and the way to the vendors: a proxy and whom to trust. */
async function tenant({ client, namespace }: ServiceHarness): Promise<string> {
  const own = await namespace();
  const account = { namespace: own, ...ACCOUNT };
  const object = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: account };
  await client.apply(ServiceAccount, object, WRITING);
  trustAccount(own);
  const secrets = { vendors: { 'ca.crt': hosts.ca }, proxy: { address: hosts.proxy } };
  for (const [name, stringData] of Object.entries(secrets)) {
    const metadata = { namespace: own, name };
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata, stringData };
    await client.apply(Secret, secret, WRITING);
  }
  return own;
}

async function apply(
  { client }: ServiceHarness,
  kind: Kind,
  namespace: string,
  spec: object,
  name = 'app',
) {
  const { apiVersion } = kind;
  const metadata = { namespace, name };
  const object = { apiVersion, kind: kind.kind, metadata, spec: { interval: '1h', ...spec } };
  await client.apply(kind, object, WRITING);
  return { namespace, name };
}

const AWAITED = { current: true } as const;
const VENDORS = { certSecretRef: { name: 'vendors' } };

describe('sources of clouds, as Flux has them by default', () => {
  test('an account is refused by the name of the gate', async () => {
    const namespace = await tenant(harness);
    const before = clouds.calls().length;
    const cases: [kind: Kind, spec: object][] = [
      [
        OCIRepository,
        { url: `oci://${ECR}/org/app`, provider: 'aws', serviceAccountName: 'cloud' },
      ],
      [
        GitRepository,
        {
          url: `https://${CODE_COMMIT}/v1/repos/app`,
          provider: 'aws',
          serviceAccountName: 'cloud',
        },
      ],
    ];
    for (const [kind, spec] of cases) {
      const ref = await apply(harness, kind, namespace, spec);
      const object = await harness.ready(kind, ref, {
        status: 'False',
        message: /gate/,
        ...AWAITED,
      });
      const { conditions = [] } = (object as OCIRepository).status ?? {};
      for (const type of ['Ready', 'Stalled']) {
        const condition = conditions.find((it) => it.type === type);
        deepEqual([condition?.reason, condition?.message], ['FeatureGateDisabled', DISABLED]);
      }
    }
    equal(clouds.calls().length, before);
    // With the gate they would be tried again, and the tests below count the requests to the clouds.
    for (const [kind] of cases) await harness.client.delete(kind, { namespace, name: 'app' });
    for (const { apiVersion, kind } of cases.map(([kind]) => kind)) {
      const find = () => harness.find(apiVersion, kind, { namespace, name: 'app' });
      const gone = async () => (await find()) === undefined;
      await until(gone, { timeoutMs: 20_000, message: `the ${kind} to be gone` });
    }
  });
});

describe('sources of clouds', () => {
  before(async () => {
    await harness.stop();
    await harness.start({ ...flags, 'feature-gates': 'ObjectLevelWorkloadIdentity=true' });
    const layers = [{ content: tarGz([{ path: 'a.yaml', content: 'a: 1\n' }]) }];
    await pushArtifact(registry, 'org/app', { tag: 'v1', layers });
  });

  const ready = (kind: Kind, ref: { namespace: string; name: string }, message = /^stored/) =>
    harness.ready(kind, ref, { status: 'True', message, ...AWAITED });
  const failed = (kind: Kind, ref: { namespace: string; name: string }, message: RegExp) =>
    harness.ready(kind, ref, { status: 'False', message, ...AWAITED });

  for (const [provider, host, whose] of [
    ['aws', ECR, ROLE],
    ['azure', ACR, APPLICATION],
    ['gcp', GAR, EMAIL],
  ] as const) {
    test(`an OCIRepository of ${provider}, as its account, through its own proxy`, async () => {
      const namespace = await tenant(harness);
      const ref = await apply(harness, OCIRepository, namespace, {
        ...{ url: `oci://${host}/org/app`, ref: { tag: 'v1' }, ...VENDORS },
        ...{ provider, serviceAccountName: 'cloud', proxySecretRef: { name: 'proxy' } },
      });
      await ready(OCIRepository, ref);
      const shown = hosts
        .requests()
        .findLast(({ target }) => target.includes(`${host}/v2/org/app`));
      const [, password = ''] = Buffer.from(shown?.authorization?.slice(6) ?? '', 'base64')
        .toString('utf8')
        .split(':');
      equal(clouds.whose(password), whose);
    });
  }

  test('an OCIRepository that names no account is the service itself', async () => {
    const namespace = await tenant(harness);
    const spec = { url: `oci://${GAR}/org/app`, ref: { tag: 'v1' }, provider: 'gcp' };
    await ready(
      OCIRepository,
      await apply(harness, OCIRepository, namespace, { ...spec, ...VENDORS }),
    );
    ok(clouds.calls('gcp-metadata').length > 0);
  });

  test("who chooses the proxy and whom to trust gets nothing of the service's own identity", async () => {
    const namespace = await tenant(harness);
    const proxySecretRef = { name: 'proxy' };
    const spec = { url: `oci://${GAR}/org/app`, provider: 'gcp' };
    const shown = hosts.requests().length;
    const message = /the identity of the service itself is not shown/;
    const ways = [
      { ...VENDORS, proxySecretRef },
      { insecure: true, proxySecretRef },
      { insecure: true },
    ];
    for (const [index, way] of ways.entries()) {
      const own = { ...spec, ...way };
      await failed(
        OCIRepository,
        await apply(harness, OCIRepository, namespace, own, `way-${index}`),
        message,
      );
    }
    const repository = { url: 'https://dev.azure.com/acme/app/_git/app', provider: 'azure' };
    const way = { secretRef: { name: 'vendors' }, proxySecretRef };
    await failed(
      GitRepository,
      await apply(harness, GitRepository, namespace, { ...repository, ...way }),
      message,
    );
    const charts = { type: 'oci', url: `oci://${GAR}/charts`, provider: 'gcp', insecure: true };
    await apply(harness, HelmRepository, namespace, charts, 'insecure');
    const sourceRef = { kind: 'HelmRepository', name: 'insecure' };
    await failed(
      HelmChart,
      await apply(harness, HelmChart, namespace, { chart: 'app', sourceRef }),
      message,
    );
    equal(hosts.requests().length, shown);
  });

  test('a Secret comes before a provider, as in Flux', async () => {
    const namespace = await tenant(harness);
    const before = clouds.calls().length;
    const ref = await apply(harness, OCIRepository, namespace, {
      ...{ url: `oci://${ECR}/org/app`, ref: { tag: 'v1' }, provider: 'aws', ...VENDORS },
      secretRef: { name: 'proxy' },
    });
    await failed(OCIRepository, ref, /UNAUTHORIZED|401/);
    equal(clouds.calls().length, before);
  });

  test('a host that is none of the cloud gets nothing, and nobody is asked', async () => {
    const namespace = await tenant(harness);
    const before = clouds.calls().length;
    const hostile: [provider: string, url: string, message: RegExp][] = [
      [
        'aws',
        `oci://${ECR}.evil.example/org/app`,
        /^failed to get credential from aws: invalid AWS registry: '123456789012\.dkr\.ecr\.eu-west-1\.amazonaws\.com\.evil\.example'\. must match /,
      ],
      [
        'azure',
        'oci://acme.azurecr.io.evil.example/app',
        /^failed to get credential from azure: invalid Azure registry: /,
      ],
      [
        'gcp',
        'oci://gcr.io.evil.example/org/app',
        /^failed to get credential from gcp: invalid GCP registry: /,
      ],
      ['gcp', 'oci://127.0.0.1:1/org/app', /invalid GCP registry: '127\.0\.0\.1:1'/],
    ];
    for (const [index, [provider, url, message]] of hostile.entries()) {
      const spec = { provider, url, serviceAccountName: 'cloud' };
      const ref = await apply(harness, OCIRepository, namespace, spec, `app-${index}`);
      const { status } = (await failed(OCIRepository, ref, message)) as OCIRepository;
      const condition = status?.conditions?.find(({ type }) => type === 'FetchFailed');
      equal(condition?.reason, 'AuthenticationFailed');
    }
    equal(clouds.calls().length, before);
  });

  test('an account that is gone, or refused, is a failure in the words of Flux', async () => {
    const namespace = await tenant(harness);
    const spec = { url: `oci://${ECR}/org/app`, provider: 'aws', ...VENDORS };
    const gone = await apply(
      harness,
      OCIRepository,
      namespace,
      { ...spec, serviceAccountName: 'gone' },
      'gone',
    );
    await failed(
      OCIRepository,
      gone,
      /^failed to get credential: serviceaccount '.*\/gone' not found$/,
    );
    clouds.trust('somebody else', { role: ROLE });
    const refused = await apply(
      harness,
      OCIRepository,
      namespace,
      { ...spec, serviceAccountName: 'cloud' },
      'refused',
    );
    const message =
      /^failed to get credential from aws: failed to get access token for artifact registry: failed to create provider access token for service account '.*\/cloud': AWS STS at .* answered 403: AccessDenied: Not authorized/;
    await failed(OCIRepository, refused, message);
  });

  test('charts of a HelmRepository in a registry of a cloud', async () => {
    const namespace = await tenant(harness);
    const content = tarGz([
      { path: 'app/Chart.yaml', content: 'apiVersion: v2\nname: app\nversion: 1.0.0\n' },
    ]);
    await pushArtifact(registry, 'charts/app', {
      tag: '1.0.0',
      layers: [{ content, mediaType: CHART_LAYER }],
    });
    for (const [name, provider, host] of [
      ['own', 'gcp', GAR],
      ['node', 'aws', ECR],
    ] as const) {
      await apply(
        harness,
        HelmRepository,
        namespace,
        { type: 'oci', url: `oci://${host}/charts`, provider, ...VENDORS },
        name,
      );
      const sourceRef = { kind: 'HelmRepository', name };
      const spec = { chart: 'app', version: '1.0.0', sourceRef };
      await ready(HelmChart, await apply(harness, HelmChart, namespace, spec, name), /^pulled/);
    }
  });

  test('a GitRepository of Azure DevOps, and what comes of a host that is none', async () => {
    const namespace = await tenant(harness);
    const repository = await git.createRepository('devops');
    await repository.commit({ 'a.yaml': 'a: 1\n' });
    const spec = { provider: 'azure', serviceAccountName: 'cloud', ref: { branch: 'main' } };
    const ref = await apply(harness, GitRepository, namespace, { ...spec, url: repository.url });
    await ready(GitRepository, ref);
    const evil = { ...spec, url: 'https://dev.azure.com.evil.example/acme/_git/app' };
    const other = await apply(harness, GitRepository, namespace, evil, 'evil');
    await failed(
      GitRepository,
      other,
      /^failed to configure authentication options: 'dev\.azure\.com\.evil\.example' is not Azure DevOps/,
    );
  });

  test('a GitRepository of AWS CodeCommit, by a signature', async () => {
    const namespace = await tenant(harness);
    const repository = await git.createRepository('app');
    await repository.commit({ 'a.yaml': 'a: 1\n' });
    const ref = await apply(harness, GitRepository, namespace, {
      ...{ url: `https://${CODE_COMMIT}/v1/repos/app.git`, ref: { branch: 'main' } },
      ...{ provider: 'aws', serviceAccountName: 'cloud' },
      ...{ secretRef: { name: 'vendors' }, proxySecretRef: { name: 'proxy' } },
    });
    await ready(GitRepository, ref);
  });

  test("a tenant's proxy carries no token in the clear, and no request of a metadata service", () => {
    deepEqual(hosts.clear(), []);
    ok(hosts.tunnels().length > 0);
    const names = [ECR, ACR, GAR, STS, CODE_COMMIT].map((name) => `${name}:443`);
    deepEqual(
      hosts.tunnels().filter((target) => !names.includes(target)),
      [],
    );
  });

  test('no status, event or log has anything of a token', async () => {
    const kinds = [OCIRepository, HelmChart, GitRepository];
    const objects = await Promise.all(kinds.map((kind) => harness.client.list(kind)));
    const text = JSON.stringify(objects);
    for (const secret of clouds.secrets()) ok(!text.includes(secret));
    doesNotMatch(text, /eyJ[\w-]{20}|ya29\./);
  });
});
