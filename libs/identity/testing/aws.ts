// AWS according to its documentation: STS, ECR, EKS, the metadata service of a node, and the credentials server of
// pods.
import { createHash, createHmac } from 'node:crypto';
import { type Answer, type CloudCall, field, type Service } from './server.ts';

export interface AwsState {
  /** Roles, and the subjects of tokens that may assume them. */
  roles: Map<string, string>;
  /** Whether a token is for this audience: its subject. */
  review(token: string, audience: string): Promise<string | undefined>;
  /** Keys that were given out, with their secrets and their end. */
  keys: Map<string, { secret: string; token: string | undefined; expiresAt: number; role: string }>;
  /** How long keys live, in ms. */
  lifeMs: number;
  count: number;
}

export function newKeys(state: AwsState, role: string) {
  const id = `ASIATEST${String(++state.count).padStart(8, '0')}`;
  const token = `session-token-of-${id}-${'x'.repeat(40)}`;
  const own = { secret: `secret-key-of-${id}`, token, role, expiresAt: Date.now() + state.lifeMs };
  state.keys.set(id, own);
  return { id, ...own };
}

const jsonProblem = (code: string, message: string) => ({ __type: `com.amazon#${code}`, message });
const JSON_CODES: Service['codes'] = {
  denied: [400, 'AccessDeniedException'],
  throttled: [400, 'ThrottlingException'],
};

export function sts(state: AwsState): Service {
  const problem = (code: string, message: string) =>
    `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>1</RequestId></ErrorResponse>`;
  return {
    problem,
    codes: { denied: [403, 'AccessDenied'], throttled: [400, 'Throttling'] },
    async answer(call) {
      const role = field(call, 'RoleArn');
      const session = field(call, 'RoleSessionName');
      const invalid = (why: string): Answer => ({
        status: 400,
        body: problem('ValidationError', why),
      });
      if (field(call, 'Action') !== 'AssumeRoleWithWebIdentity') return invalid('Action');
      if (field(call, 'Version') !== '2011-06-15') return invalid('Version');
      if (!/^[\w+=,.@-]{2,64}$/.test(session)) return invalid('RoleSessionName');
      const subject = await state.review(field(call, 'WebIdentityToken'), 'sts.amazonaws.com');
      if (subject === undefined) {
        return { status: 400, body: problem('InvalidIdentityToken', 'Incorrect token audience') };
      }
      if (state.roles.get(role) !== subject) {
        const what = 'Not authorized to perform sts:AssumeRoleWithWebIdentity';
        return { status: 403, body: problem('AccessDenied', what) };
      }
      const { id, secret, token, expiresAt } = newKeys(state, role);
      const end = new Date(expiresAt).toISOString();
      return {
        status: 200,
        body: `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>${id}</AccessKeyId><SecretAccessKey>${secret}</SecretAccessKey><SessionToken>${token}</SessionToken><Expiration>${end}</Expiration></Credentials><SubjectFromWebIdentityToken>${subject}</SubjectFromWebIdentityToken></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
      };
    },
  };
}

/** @param password what the login of a role is, so that a registry of the test can know it */
export function ecr(
  state: AwsState,
  isPublic: boolean,
  password: (role: string) => string,
): Service {
  const [service, target] = isPublic
    ? ['ecr-public', 'SpencerFrontendService.GetAuthorizationToken']
    : ['ecr', 'AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken'];
  return {
    problem: jsonProblem,
    codes: JSON_CODES,
    answer(call) {
      const signer = verifySignature(state, call, service);
      if ('problem' in signer) return { status: 400, body: jsonProblem(signer.problem, 'no') };
      if (call.headers['x-amz-target'] !== target) {
        return { status: 400, body: jsonProblem('UnknownOperationException', 'no') };
      }
      const token = Buffer.from(`AWS:${password(signer.role)}`).toString('base64');
      const entry = {
        authorizationToken: token,
        expiresAt: (Date.now() + state.lifeMs) / 1_000,
        ...(isPublic
          ? {}
          : { proxyEndpoint: 'https://123456789012.dkr.ecr.us-east-1.amazonaws.com' }),
      };
      return { status: 200, body: { authorizationData: isPublic ? entry : [entry] } };
    },
  };
}

export function eks(state: AwsState, cluster: { endpoint: string; ca: string }): Service {
  return {
    problem: jsonProblem,
    codes: JSON_CODES,
    answer(call) {
      const signer = verifySignature(state, call, 'eks');
      if ('problem' in signer) return { status: 403, body: jsonProblem(signer.problem, 'no') };
      const [, name] = /\/clusters\/([^/?]+)$/.exec(call.path) ?? [];
      if (name !== 'prod')
        return { status: 404, body: jsonProblem('ResourceNotFoundException', 'no') };
      const data = Buffer.from(cluster.ca).toString('base64');
      const { endpoint } = cluster;
      return { status: 200, body: { cluster: { endpoint, certificateAuthority: { data } } } };
    },
  };
}

/** IMDSv2: a session token first, then the role, then its keys. */
export function node(state: AwsState, role: string): Service {
  const session = 'AQAEAtest-session-token==';
  return {
    problem: () => '',
    codes: { denied: [401, ''], throttled: [429, ''] },
    answer(call) {
      if (call.method === 'PUT' && call.path.endsWith('/latest/api/token')) {
        const seconds = call.headers['x-aws-ec2-metadata-token-ttl-seconds'];
        return seconds === undefined ? { status: 400, body: '' } : { status: 200, body: session };
      }
      if (call.headers['x-aws-ec2-metadata-token'] !== session) return { status: 401, body: '' };
      const folder = '/latest/meta-data/iam/security-credentials/';
      if (call.path.endsWith(folder)) return { status: 200, body: `${role}\n` };
      if (!call.path.endsWith(`${folder}${role}`)) return { status: 404, body: '' };
      return { status: 200, body: { Code: 'Success', Type: 'AWS-HMAC', ...keysOf(state, role) } };
    },
  };
}

/** EKS Pod Identity's agent. */
export function pod(state: AwsState, token: string): Service {
  return {
    problem: (code, message) => ({ code, message }),
    codes: { denied: [403, 'AccessDeniedException'], throttled: [429, 'ThrottlingException'] },
    answer(call) {
      if (call.headers.authorization !== token) return { status: 401, body: '' };
      return { status: 200, body: keysOf(state, 'pod-role') };
    },
  };
}

function keysOf(state: AwsState, role: string) {
  const { id, secret, token, expiresAt } = newKeys(state, role);
  const Expiration = new Date(expiresAt).toISOString();
  return { AccessKeyId: id, SecretAccessKey: secret, Token: token, Expiration };
}

/**
 * Whose keys signed a request, by AWS Signature Version 4, written a second time from its documentation:
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function verifySignature(
  { keys }: AwsState,
  { method, path, headers, body }: CloudCall,
  service: string,
): { role: string } | { problem: string } {
  const given =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      String(headers.authorization),
    );
  const [, id = '', date = '', region = '', scope, names = '', signature] = given ?? [];
  const key = keys.get(id);
  if (key === undefined || scope !== service) return { problem: 'UnrecognizedClientException' };
  if (key.expiresAt < Date.now()) return { problem: 'ExpiredTokenException' };
  if (headers['x-amz-security-token'] !== key.token) return { problem: 'InvalidClientTokenId' };
  const url = new URL(path, 'http://test');
  const query = [...url.searchParams].map(
    ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`,
  );
  const hash = (text: string) => createHash('sha256').update(text).digest('hex');
  const signed = names.split(';');
  if (!signed.includes('host')) return { problem: 'IncompleteSignature' };
  const canonical = [
    ...[method, encodeURI(url.pathname), query.sort().join('&')],
    ...signed.map((name) => `${name}:${String(headers[name]).trim()}`),
    ...['', names, hash(body)],
  ].join('\n');
  const time = String(headers['x-amz-date']);
  const text = [
    'AWS4-HMAC-SHA256',
    time,
    `${date}/${region}/${service}/aws4_request`,
    hash(canonical),
  ].join('\n');
  const signing = [date, region, service, 'aws4_request'].reduce<string | Buffer>(
    (secret, part) => createHmac('sha256', secret).update(part).digest(),
    `AWS4${key.secret}`,
  );
  const expected = createHmac('sha256', signing).update(text).digest('hex');
  return expected === signature ? { role: key.role } : { problem: 'SignatureDoesNotMatch' };
}

/** Whose login of CodeCommit this is, written a second time from git-remote-codecommit's documentation. */
export function codeCommitSigner(
  { keys }: AwsState,
  { username, password }: { username: string; password: string },
  url: string,
): string | undefined {
  const [id = '', token] = username.split('%');
  const key = keys.get(id);
  const [, time = '', signature] = /^(\d{8}T\d{6})Z([0-9a-f]{64})$/.exec(password) ?? [];
  if (key === undefined || key.token !== token) return undefined;
  const { host, pathname } = new URL(url);
  const [, region = ''] = host.split('.');
  const request = ['GIT', pathname, '', `host:${host}`, '', 'host', ''].join('\n');
  const hash = createHash('sha256').update(request).digest('hex');
  const date = time.slice(0, 8);
  const scope = [date, region, 'codecommit', 'aws4_request'];
  const signing = scope.reduce<string | Buffer>(
    (secret, part) => createHmac('sha256', secret).update(part).digest(),
    `AWS4${key.secret}`,
  );
  const text = ['AWS4-HMAC-SHA256', time, scope.join('/'), hash].join('\n');
  const expected = createHmac('sha256', signing).update(text).digest('hex');
  return expected === signature ? key.role : undefined;
}
