// The service's own identity in AWS, searched in the order of the vendor's programs: keys in the environment, a web
// identity (IRSA), a container's credentials (EKS Pod Identity, ECS), the node's role (IMDSv2). Profile files and the
// programs that they name are not used.
import { jsonOf, objectAt, parse, textAt, timeAt } from '../answers.ts';
import { type CloudContext, endpointOf } from '../context.ts';
import { invalidAnswer, invalidConfiguration } from '../errors.ts';
import { readSecretFile } from '../files.ts';
import type { CloudAnswer, Problem } from '../net.ts';
import type { AwsCredentials } from '../types.ts';
import { assumeRole } from './sts.ts';

/**
 * The hosts where a container's credentials server may be without TLS: the addresses that AWS documents, and loopback.
 */
const CONTAINER_HOSTS = [
  ...['169.254.170.2', '169.254.170.23', '[fd00:ec2::23]'],
  ...['localhost', '127.0.0.1', '[::1]'],
];
/** Credentials without an expiry are read again after this time, in ms. */
const STATIC_MS = 60 * 60_000;

export interface OwnOptions {
  region: string;
  endpoint: string | undefined;
  proxy: string | undefined;
}

/** @throws IdentityError; what reading a file rejects with */
export async function ownCredentials(
  context: CloudContext,
  { region, endpoint, proxy }: OwnOptions,
  signal: AbortSignal,
): Promise<AwsCredentials> {
  const { environment: env, now } = context;
  const [accessKeyId, secretAccessKey] = [env.AWS_ACCESS_KEY_ID, env.AWS_SECRET_ACCESS_KEY];
  if (accessKeyId && secretAccessKey) {
    const sessionToken = env.AWS_SESSION_TOKEN || undefined;
    return { accessKeyId, secretAccessKey, sessionToken, expiresAt: now() + STATIC_MS };
  }
  const [tokenFile, roleArn] = [env.AWS_WEB_IDENTITY_TOKEN_FILE, env.AWS_ROLE_ARN];
  if (tokenFile && roleArn) {
    const token = await readSecretFile(context, tokenFile, 'AWS_WEB_IDENTITY_TOKEN_FILE');
    const sessionName = env.AWS_ROLE_SESSION_NAME || `weir-${now()}`;
    return assumeRole(context, { token, roleArn, sessionName, region, endpoint, proxy }, signal);
  }
  const container = containerUrl(env);
  if (container !== undefined) return containerCredentials(context, container, signal);
  if (/^true$/i.test(env.AWS_EC2_METADATA_DISABLED ?? '')) {
    throw invalidConfiguration('no credentials of AWS: AWS_EC2_METADATA_DISABLED is true');
  }
  return nodeCredentials(context, signal);
}

/** @throws IdentityError InvalidConfiguration */
function containerUrl(env: NodeJS.ProcessEnv): URL | undefined {
  const relative = env.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI;
  const full = env.AWS_CONTAINER_CREDENTIALS_FULL_URI;
  if (!relative && !full) return undefined;
  const url = URL.parse(relative ? `http://169.254.170.2${relative}` : (full ?? ''));
  const isAllowed =
    url?.protocol === 'https:' ||
    (url?.protocol === 'http:' && CONTAINER_HOSTS.includes(url.hostname));
  if (url === null || !isAllowed) {
    const what = 'AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor an address of this node';
    throw invalidConfiguration(what);
  }
  return url;
}

/** https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html */
async function containerCredentials(
  context: CloudContext,
  url: URL,
  signal: AbortSignal,
): Promise<AwsCredentials> {
  const { environment: env } = context;
  const file = env.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE;
  const token = file
    ? await readSecretFile(context, file, 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE')
    : env.AWS_CONTAINER_AUTHORIZATION_TOKEN;
  const service = 'the credentials server of containers';
  const headers = token ? { authorization: token } : {};
  const request = { method: 'GET' as const, url, headers, service, problem: nodeProblem };
  return keysOf(await context.network.askNode(request, signal), service);
}

const NODE = 'the metadata service of EC2';
const NODE_TOKEN_SECONDS = '300';

/** IMDSv2: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html */
async function nodeCredentials(
  context: CloudContext,
  signal: AbortSignal,
): Promise<AwsCredentials> {
  const base = endpointOf(context, 'aws-metadata', 'http://169.254.169.254');
  const ask = async (path: string, method: 'GET' | 'PUT', headers: Record<string, string>) => {
    const url = new URL(`${base}${path}`);
    const request = { method, url, headers, service: NODE, problem: nodeProblem };
    return context.network.askNode(request, signal);
  };
  const token = await ask('/latest/api/token', 'PUT', {
    'x-aws-ec2-metadata-token-ttl-seconds': NODE_TOKEN_SECONDS,
  });
  const headers = { 'x-aws-ec2-metadata-token': token.text.trim() };
  const folder = '/latest/meta-data/iam/security-credentials/';
  const [role = ''] = (await ask(folder, 'GET', headers)).text.trim().split('\n');
  if (!/^[\w+=,.@-]{1,128}$/.test(role)) throw invalidAnswer('the node has no role of AWS');
  return keysOf(await ask(`${folder}${role}`, 'GET', headers), NODE);
}

/** Parses keys in the form that the services of containers and nodes return. */
function keysOf(answer: CloudAnswer, service: string): AwsCredentials {
  const keys = jsonOf(answer, service);
  const { Code: code } = keys;
  if (code !== undefined && code !== 'Success') {
    throw invalidAnswer(`${service} gave no credentials`);
  }
  return {
    accessKeyId: textAt(keys, 'AccessKeyId', service),
    secretAccessKey: textAt(keys, 'SecretAccessKey', service),
    sessionToken: textAt(keys, 'Token', service),
    expiresAt: timeAt(keys, 'Expiration', service),
  };
}

function nodeProblem({ text }: CloudAnswer): Problem | undefined {
  const { code, message } = { ...objectAt(parse(text), 'error'), ...parse(text) };
  if (typeof code !== 'string') return undefined;
  return { code, message: typeof message === 'string' ? message : undefined };
}
