// Clusters of Amazon EKS, and tokens for them: a signed URL of GetCallerIdentity, by which the cluster asks who it is.
// https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeCluster.html, https://github.com/kubernetes-sigs/aws-iam-authenticator#api-authorization-from-outside-a-cluster

import { presign, sign } from '@weir/net/aws-signature';
import { jsonOf, objectAt, textAt } from '../answers.ts';
import { chosen, decodeCa } from '../clusters.ts';
import { type CloudContext, endpointOf } from '../context.ts';
import type { AwsCredentials, ClusterReference, RestConfig } from '../types.ts';
import { awsJsonProblem } from './ecr.ts';
import { eksClusterOf, regionalUrl } from './regions.ts';

const SERVICE = 'Amazon EKS';
/** The longest that a cluster takes such a token for. */
const TOKEN_SECONDS = 900;

/** @throws IdentityError */
export async function eksConfig(
  context: CloudContext,
  { cluster = '', address, ca }: ClusterReference,
  credentials: AwsCredentials,
  options: { proxy: string | undefined; isOwn: boolean },
  signal: AbortSignal,
): Promise<RestConfig> {
  const expiresAt = Math.min(context.now() + TOKEN_SECONDS * 1_000, credentials.expiresAt);
  const { region, name } = eksClusterOf(cluster);
  const isKnown = !options.isOwn && address && ca;
  const found = isKnown
    ? { host: address, ca }
    : await describe(context, { region, name }, credentials, options, signal);
  const sts = endpointOf(context, 'aws-sts', regionalUrl('sts', region));
  const url = new URL(`${sts}/?Action=GetCallerIdentity&Version=2011-06-15`);
  const headers = { 'x-k8s-aws-id': name };
  const scope = { service: 'sts', region, seconds: TOKEN_SECONDS };
  const presigned = await presign({ method: 'GET', url, headers }, credentials, scope);
  return {
    ...chosen({ address, ca }, { hosts: [found.host], ca: found.ca }, options.isOwn),
    token: `k8s-aws-v1.${Buffer.from(presigned.href).toString('base64url')}`,
    expiresAt,
  };
}

async function describe(
  context: CloudContext,
  { region, name }: { region: string; name: string },
  credentials: AwsCredentials,
  { proxy }: { proxy: string | undefined },
  signal: AbortSignal,
): Promise<{ host: string; ca: string }> {
  const base = endpointOf(context, 'aws-eks', regionalUrl('eks', region));
  const unsigned = {
    method: 'GET' as const,
    url: new URL(`${base}/clusters/${name}`),
    headers: {},
  };
  const headers = await sign(unsigned, credentials, { service: 'eks', region });
  const request = { ...unsigned, headers, service: SERVICE, problem: awsJsonProblem };
  const answer = jsonOf(await context.network.ask(request, proxy, signal), SERVICE);
  const cluster = objectAt(answer, 'cluster');
  const data = textAt(objectAt(cluster, 'certificateAuthority'), 'data', SERVICE);
  return { host: textAt(cluster, 'endpoint', SERVICE), ca: decodeCa(data, SERVICE) };
}
