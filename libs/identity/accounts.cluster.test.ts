// Accounts of Kubernetes in the clouds, with a real API server that makes their tokens and says whose they are.
import { deepEqual, equal, match, notEqual, ok, rejects } from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Cluster, startCluster } from '@weir/cluster';
import { connectKube, type KubeClient, Namespace, ServiceAccount, userAgent } from '@weir/kube';
import {
  AZURE_SCOPES,
  createIdentities,
  type Identities,
  type IdentitiesOptions,
  type Subject,
} from './index.ts';
import { type Clouds, POOL, startClouds } from './testing/index.ts';
import { claims } from './testing/jwt.ts';

const ECR = '123456789012.dkr.ecr.eu-west-1.amazonaws.com';
const ROLE = 'arn:aws:iam::123456789012:role/app';
const TENANT = 'aaaaaaaa-0000-0000-0000-000000000001';
const CLIENT = 'bbbbbbbb-0000-0000-0000-000000000002';
const EMAIL = 'app@acme.iam.gserviceaccount.com';

describe('accounts of objects', () => {
  const stack = new AsyncDisposableStack();
  let cluster: Cluster;
  let client: KubeClient;
  let clouds: Clouds;
  before(async () => {
    cluster = await startCluster({ nodes: 0, nats: false, controllerManager: false, audit: true });
    stack.defer(() => cluster.close());
    client = connectKube({ kubeconfig: cluster.kubeconfig }, { userAgent: userAgent('source') });
    stack.defer(() => client.close());
    // The clouds ask the cluster whose a token is, as they do by its keys.
    clouds = await startClouds({ review });
    stack.defer(() => clouds.close());
  });
  after(() => stack.disposeAsync());

  async function review(token: string, audience: string): Promise<string | undefined> {
    const { status } = await client.request<{
      status: { authenticated?: boolean; user?: { username: string } };
    }>({
      method: 'POST',
      path: '/apis/authentication.k8s.io/v1/tokenreviews',
      body: {
        ...{ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview' },
        spec: { token, audiences: [audience] },
      },
    });
    return status.authenticated ? status.user?.username : undefined;
  }

  let count = 0;
  /** A namespace with an account of these annotations. */
  async function account(annotations: Record<string, string>, name = 'cloud') {
    const namespace = `tenant-${++count}`;
    await client.create(Namespace, {
      ...{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    });
    await create(namespace, name, annotations);
    return {
      namespace,
      serviceAccountName: name,
      sub: `system:serviceaccount:${namespace}:${name}`,
    };
  }

  async function create(namespace: string, name: string, annotations: Record<string, string>) {
    const metadata = { namespace, name, annotations };
    await client.create(ServiceAccount, { apiVersion: 'v1', kind: 'ServiceAccount', metadata });
  }

  function open(options: Partial<IdentitiesOptions> = {}): Identities {
    const identities = createIdentities({
      ...{ client, objectLevel: true, allowLocal: true },
      // The service itself has a role in each cloud, which no account may ever get.
      environment: { AWS_ACCESS_KEY_ID: 'OWN', AWS_SECRET_ACCESS_KEY: 'own', AWS_REGION: 'x-1' },
      ...{ endpoints: clouds.endpoints, cache: { max: 100, maxAgeMs: 3_600_000 } },
      network: { firstPauseMs: 1 },
      ...options,
    });
    stack.defer(() => identities.close());
    return identities;
  }

  const signal = () => AbortSignal.timeout(30_000);

  test('AWS: the role of the annotation, which trusts the account', async () => {
    const { sub, ...whose } = await account({ 'eks.amazonaws.com/role-arn': ROLE });
    clouds.trust(sub, { role: ROLE });
    const identities = open();
    const subject: Subject = { provider: 'aws', ...whose };
    const login = await identities.registryLogin(subject, ECR, signal());
    equal(login.username, 'AWS');
    const form = new URLSearchParams(clouds.calls('aws-sts').at(-1)?.body);
    equal(form.get('RoleSessionName'), `cloud.${whose.namespace}.eu-west-1.fluxcd.io`);
    const {
      aud,
      exp = 0,
      iat = 0,
    } = claims(form.get('WebIdentityToken') ?? '') as Record<string, number>;
    deepEqual([aud, exp - iat], [['sts.amazonaws.com'], 600]);
    const url = 'https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/app';
    const git = await identities.gitLogin(subject, url, signal());
    ok('username' in git && git.username.startsWith('ASIATEST'));
    equal(clouds.calls('aws-sts').length, 1, 'one exchange for both');
    await rejects(identities.awsCredentials(subject, {}, signal()), /an AWS region is required/);
  });

  test('Azure: the application of the annotations', async () => {
    const { sub, ...whose } = await account({
      'azure.workload.identity/tenant-id': TENANT,
      'azure.workload.identity/client-id': CLIENT,
    });
    clouds.trust(sub, { application: `${TENANT}/${CLIENT}` });
    const subject: Subject = { provider: 'azure', ...whose };
    const identities = open();
    const { token } = await identities.accessToken(
      subject,
      { scope: AZURE_SCOPES.devOps },
      signal(),
    );
    equal(claims(token).whose, `${TENANT}/${CLIENT}`);
    const [call] = clouds.calls('azure-authority');
    deepEqual(claims(new URLSearchParams(call?.body).get('client_assertion') ?? '').aud, [
      'api://AzureADTokenExchange',
    ]);
  });

  test('Google Cloud: by the pool of this cluster, or of the annotation, as an account of Google or not', async () => {
    const gke = await account({ 'iam.gke.io/gcp-service-account': EMAIL });
    clouds.trust(gke.sub, { email: EMAIL });
    const identities = open();
    const tokenOf = ({ namespace, serviceAccountName }: typeof gke) =>
      identities.accessToken({ provider: 'gcp', namespace, serviceAccountName }, {}, signal());
    match((await tokenOf(gke)).token, /^ya29\./);
    equal(clouds.calls('gcp-iam-credentials').length, 1);
    const elsewhere = await account({ 'gcp.auth.fluxcd.io/workload-identity-provider': POOL });
    match((await tokenOf(elsewhere)).token, /^ya29\./);
    equal(clouds.calls('gcp-iam-credentials').length, 1, 'as itself');
    deepEqual(
      clouds.calls('gcp-sts').map(({ body }) => {
        const form = new URLSearchParams(body);
        return [form.get('audience'), claims(form.get('subject_token') ?? '').aud];
      }),
      [
        [
          'identitynamespace:acme.svc.id.goog:https://container.googleapis.com/v1/projects/acme/locations/europe-west1/clusters/prod',
          ['acme.svc.id.goog'],
        ],
        [`//iam.googleapis.com/${POOL}`, [`//iam.googleapis.com/${POOL}`]],
      ],
    );
    const stranger = await account({ 'iam.gke.io/gcp-service-account': EMAIL });
    await rejects(tokenOf(stranger), /answered 403: PERMISSION_DENIED/);
  });

  test('generic: a token of Kubernetes for whom the caller says', async () => {
    const { sub, ...whose } = await account({});
    const identities = open();
    const subject: Subject = { provider: 'generic', ...whose };
    const { token, expiresAt } = await identities.accessToken(
      subject,
      { audiences: ['vault'] },
      signal(),
    );
    equal(await review(token, 'vault'), sub);
    ok(expiresAt > Date.now() + 3_000_000);
    const cluster = { address: 'https://other.example', audiences: [] };
    const config = await identities.restConfig(subject, cluster, signal());
    equal(config.host, 'https://other.example:443');
    deepEqual(claims(config.token).aud, ['https://other.example']);
  });

  test('generic: an account that says whom its tokens are for, and one that is no account of Kubernetes', async () => {
    const audiences = { 'credential.auth.fluxcd.io/audiences': 'vault,other' };
    const { sub, ...whose } = await account({
      ...audiences,
      ...{ 'credential.auth.fluxcd.io/provider': 'kubernetes' },
      ...{ 'credential.auth.fluxcd.io/type': 'jwt' },
    });
    const identities = open();
    const subject: Subject = { provider: 'generic', ...whose };
    const wanted = { audiences: ['https://bao.example'] };
    const { token } = await identities.accessToken(subject, wanted, signal());
    deepEqual(claims(token).aud, ['vault', 'other']);
    equal(await review(token, 'vault'), sub);
    equal(
      (await identities.annotationsOf(whose, signal()))?.[Object.keys(audiences)[0] ?? ''],
      'vault,other',
    );
    equal(await identities.annotationsOf({ namespace: whose.namespace }, signal()), undefined);

    for (const [name, value] of [
      ['credential.auth.fluxcd.io/provider', 'spiffe'],
      ['credential.auth.fluxcd.io/provider', ''],
      ['credential.auth.fluxcd.io/type', 'x509'],
    ] as const) {
      const { sub: other, ...theirs } = await account({
        'eks.amazonaws.com/role-arn': ROLE,
        [name]: value,
      });
      const aws: Subject = { provider: 'aws', ...theirs };
      clouds.trust(other, { role: ROLE });
      const message = new RegExp(`annotations: ${name} is '${value}', and only`);
      await rejects(
        identities.accessToken({ ...aws, provider: 'generic' }, wanted, signal()),
        message,
      );
      await rejects(identities.awsCredentials(aws, { region: 'eu-west-1' }, signal()), message);
    }
  });

  test('an account that is missing, not annotated, or badly, is a failure: never the own identity', async () => {
    const { namespace } = await account({});
    const identities = open();
    const aws = (serviceAccountName: string): Promise<unknown> =>
      identities.awsCredentials(
        { provider: 'aws', namespace, serviceAccountName },
        { region: 'eu-west-1' },
        signal(),
      );
    await rejects(aws('gone'), {
      reason: 'AccountUnavailable',
      message: `failed to get service account '${namespace}/gone': ServiceAccount "gone" not found`,
    });
    await rejects(aws('cloud'), {
      reason: 'InvalidConfiguration',
      message:
        `failed to get provider identity from service account '${namespace}/cloud' annotations: ` +
        "invalid eks.amazonaws.com/role-arn annotation: ''. must match ^arn:aws[\\w-]*:iam::[0-9]{1,30}:role/.{1,200}$",
    });
    const bad: [
      provider: 'aws' | 'azure' | 'gcp',
      annotations: Record<string, string>,
      message: RegExp,
    ][] = [
      ['aws', { 'eks.amazonaws.com/role-arn': '' }, /role-arn annotation: ''/],
      [
        'azure',
        {},
        /azure tenant ID is not set in the service account annotation azure\.workload\.identity\/tenant-id/,
      ],
      [
        'azure',
        { 'azure.workload.identity/tenant-id': '', 'azure.workload.identity/client-id': CLIENT },
        /tenant ID is not set/,
      ],
      [
        'azure',
        { 'azure.workload.identity/tenant-id': TENANT, 'azure.workload.identity/client-id': '' },
        /client ID is not set/,
      ],
      [
        'azure',
        {
          'azure.workload.identity/tenant-id': '../x?',
          'azure.workload.identity/client-id': CLIENT,
        },
        /neither a UUID nor a domain/,
      ],
      [
        'gcp',
        { 'iam.gke.io/gcp-service-account': 'a@b/../c' },
        /invalid iam\.gke\.io\/gcp-service-account annotation/,
      ],
      [
        'gcp',
        { 'gcp.auth.fluxcd.io/workload-identity-provider': 'projects/x' },
        /invalid gcp\.auth\.fluxcd\.io\/workload-identity-provider annotation/,
      ],
    ];
    const before = clouds.calls().length;
    for (const [provider, annotations, message] of bad) {
      const { sub, ...whose } = await account(annotations);
      const subject: Subject = { provider, ...whose };
      const asked =
        provider === 'aws'
          ? identities.awsCredentials(subject, { region: 'eu-west-1' }, signal())
          : identities.accessToken(subject, { scope: AZURE_SCOPES.devOps }, signal());
      await rejects(asked, message, sub);
    }
    equal(clouds.calls().length, before, 'no cloud is asked');
  });

  test('an account of another namespace, or without the gate, is a failure', async () => {
    const { sub, namespace } = await account({ 'eks.amazonaws.com/role-arn': ROLE }, 'theirs');
    clouds.trust(sub, { role: ROLE });
    const other = await account({});
    const subject: Subject = {
      provider: 'aws',
      namespace: other.namespace,
      serviceAccountName: 'theirs',
    };
    const wanted = { region: 'eu-west-1' };
    await rejects(open().awsCredentials(subject, wanted, signal()), /not found/);
    for (const name of [`${namespace}/theirs`, `../${namespace}/serviceaccounts/theirs`, '..']) {
      const steered = { ...subject, serviceAccountName: name };
      await rejects(open().awsCredentials(steered, wanted, signal()), {
        reason: 'AccountUnavailable',
      });
    }
    const off = open({ objectLevel: false });
    await rejects(off.awsCredentials({ ...subject, namespace }, wanted, signal()), {
      reason: 'FeatureGateDisabled',
      message: 'ObjectLevelWorkloadIdentity feature gate is not enabled',
    });
  });

  test('a default account counts where none is named, and has to be there', async () => {
    const { sub, namespace } = await account({ 'eks.amazonaws.com/role-arn': ROLE }, 'tenant');
    clouds.trust(sub, { role: ROLE });
    const identities = open({ defaultServiceAccount: 'tenant' });
    const wanted = { region: 'eu-west-1' };
    const keys = await identities.awsCredentials({ provider: 'aws', namespace }, wanted, signal());
    notEqual(keys.accessKeyId, 'OWN');
    const { namespace: other } = await account({});
    await rejects(
      identities.awsCredentials({ provider: 'aws', namespace: other }, wanted, signal()),
      {
        message: new RegExp(
          `^failed to get service account '${other}/tenant': the specified default service account does not exist in the object namespace`,
        ),
      },
    );
    const off = open({ defaultServiceAccount: 'tenant', objectLevel: false });
    await rejects(off.awsCredentials({ provider: 'aws', namespace }, wanted, signal()), {
      reason: 'FeatureGateDisabled',
    });
    const own = await open().awsCredentials({ provider: 'aws', namespace }, wanted, signal());
    equal(
      own.accessKeyId,
      'OWN',
      'without a default it is the own identity, as nobody names another',
    );
  });

  test('an account that is made anew, or annotated anew, has no token of before; a deleted one none at all', async () => {
    const { sub, namespace, serviceAccountName } = await account({
      'eks.amazonaws.com/role-arn': ROLE,
    });
    clouds.trust(sub, { role: ROLE });
    const identities = open();
    const subject: Subject = { provider: 'aws', namespace, serviceAccountName };
    const key = async () =>
      (await identities.awsCredentials(subject, { region: 'eu-west-1' }, signal())).accessKeyId;
    const first = await key();
    equal(await key(), first);
    await client.delete(ServiceAccount, { namespace, name: serviceAccountName });
    await rejects(key(), /not found/);
    await create(namespace, serviceAccountName, { 'eks.amazonaws.com/role-arn': ROLE });
    const second = await key();
    notEqual(second, first);
    const annotations = { 'eks.amazonaws.com/role-arn': `${ROLE}-2` };
    await client.patch(
      ServiceAccount,
      { namespace, name: serviceAccountName },
      { metadata: { annotations } },
      { kind: 'merge' },
    );
    await rejects(key(), /AccessDenied/);
  });

  test('nothing that is secret is in the audit log of what was asked of Kubernetes', async () => {
    const log = JSON.stringify(await cluster.audit());
    for (const secret of clouds.secrets()) ok(!log.includes(secret));
  });
});
