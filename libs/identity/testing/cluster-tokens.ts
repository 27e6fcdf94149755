// How clusters of the clouds find the identity behind a token: each asks its cloud, as the vendor documents it.
import { createHash, createHmac } from 'node:crypto';
import type { AwsState } from './aws.ts';
import type { AzureState } from './azure.ts';
import type { GcpState } from './gcp.ts';

/** The audience of Entra's tokens for clusters of Azure: https://azure.github.io/kubelogin/concepts/aks.html */
const AKS_SERVER = '6dae42f8-4368-4678-94ff-3960e28e3630';
/** Seconds that a cluster of EKS takes a token for at most. */
const EKS_SECONDS = 900;

/** The application of a token of Entra that is for clusters. */
export function aksUser({ tokens }: AzureState, token: string): string | undefined {
  const known = tokens.get(token);
  const isGood = known?.scope === `${AKS_SERVER}/.default` && known.expiresAt > Date.now();
  return isGood ? known.whose : undefined;
}

/** The account of a token of Google. */
export function gkeUser({ tokens }: GcpState, token: string): string | undefined {
  const known = tokens.get(token);
  return known !== undefined && known.expiresAt > Date.now() ? known.whose : undefined;
}

/**
 * The role whose keys signed the URL that a token is: of GetCallerIdentity, for the cluster of this name alone
 * (https://github.com/kubernetes-sigs/aws-iam-authenticator#api-authorization-from-outside-a-cluster). The signature is checked as
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html has it, but for what is special to S3.
 */
export function eksUser({ keys }: AwsState, token: string, cluster: string): string | undefined {
  const [, encoded = ''] = /^k8s-aws-v1\.([\w-]+)$/.exec(token) ?? [];
  const url = URL.parse(Buffer.from(encoded, 'base64url').toString('utf8'));
  if (url === null) return undefined;
  const of = (name: string) => url.searchParams.get(name) ?? '';
  const [id = '', date = '', region = '', service, end] = of('X-Amz-Credential').split('/');
  const key = keys.get(id);
  const isMeant =
    of('Action') === 'GetCallerIdentity' &&
    of('Version') === '2011-06-15' &&
    of('X-Amz-Algorithm') === 'AWS4-HMAC-SHA256' &&
    of('X-Amz-SignedHeaders') === 'host;x-k8s-aws-id' &&
    `${service}/${end}` === 'sts/aws4_request';
  if (!isMeant || key === undefined || of('X-Amz-Security-Token') !== (key.token ?? '')) {
    return undefined;
  }
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(of('X-Amz-Date')) ?? [];
  const signedAt = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  const seconds = Number(of('X-Amz-Expires'));
  const isNow = seconds <= EKS_SECONDS && Date.now() < signedAt + seconds * 1_000;
  if (!isNow) return undefined;

  const encode = (text: string) =>
    encodeURIComponent(text).replace(
      /[!'()*]/g,
      (it) => `%${it.charCodeAt(0).toString(16).toUpperCase()}`,
    );
  const query = [...url.searchParams]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort();
  const hash = (text: string) => createHash('sha256').update(text).digest('hex');
  const canonical = [
    ...['GET', url.pathname, query.join('&'), `host:${url.host}`, `x-k8s-aws-id:${cluster}`],
    ...['', 'host;x-k8s-aws-id', hash('')],
  ].join('\n');
  const scope = [date, region, 'sts', 'aws4_request'];
  const text = ['AWS4-HMAC-SHA256', of('X-Amz-Date'), scope.join('/'), hash(canonical)].join('\n');
  const signing = scope.reduce<string | Buffer>(
    (secret, part) => createHmac('sha256', secret).update(part).digest(),
    `AWS4${key.secret}`,
  );
  const expected = createHmac('sha256', signing).update(text).digest('hex');
  return expected === of('X-Amz-Signature') ? key.role : undefined;
}
