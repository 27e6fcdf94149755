// Logins of Amazon's registries.
// https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html

import { sign } from '@weir/net/aws-signature';
import { type Json, jsonOf, numberAt, objectAt, parse, textAt } from '../answers.ts';
import { type CloudContext, endpointOf } from '../context.ts';
import { invalidAnswer } from '../errors.ts';
import type { CloudAnswer, Problem } from '../net.ts';
import type { AwsCredentials, Login } from '../types.ts';
import { type EcrRegistry, regionalUrl } from './regions.ts';
import { isThrottled } from './sts.ts';

const PRIVATE = {
  ...{ service: 'Amazon ECR', scope: 'ecr', host: 'api.ecr', endpoint: 'aws-ecr' as const },
  target: 'AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken',
};
const PUBLIC = {
  ...{ service: 'Amazon ECR Public', scope: 'ecr-public', host: 'api.ecr-public' },
  endpoint: 'aws-ecr-public' as const,
  target: 'SpencerFrontendService.GetAuthorizationToken',
};

/**
 * A login for all registries that these keys may read, in this region.
 * @throws IdentityError
 */
export async function ecrLogin(
  context: CloudContext,
  { region, isPublic }: EcrRegistry,
  credentials: AwsCredentials,
  proxy: string | undefined,
  signal: AbortSignal,
): Promise<Login> {
  const { service, scope, host, endpoint, target } = isPublic ? PUBLIC : PRIVATE;
  const base = endpointOf(context, endpoint, regionalUrl(host, region));
  const unsigned = {
    method: 'POST' as const,
    url: new URL(`${base}/`),
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target },
    body: '{}',
  };
  const headers = await sign(unsigned, credentials, { service: scope, region });
  const request = { ...unsigned, headers, service, problem: awsJsonProblem };
  const answer = jsonOf(await context.network.ask(request, proxy, signal), service);
  const { authorizationData: data } = answer;
  const entry: Json = isPublic ? objectAt(answer, 'authorizationData') : Object([data].flat()[0]);
  const token = textAt(entry, 'authorizationToken', service);
  const [username = '', password = '', ...rest] = Buffer.from(token, 'base64')
    .toString('utf8')
    .split(':');
  if (username === '' || password === '' || rest.length > 0) {
    throw invalidAnswer('invalid authorization token format');
  }
  return { username, password, expiresAt: numberAt(entry, 'expiresAt', service) * 1_000 };
}

/** Errors of AWS's JSON protocol: `{ "__type": "...#AccessDeniedException", "message": "..." }`. */
export function awsJsonProblem({ text, headers }: CloudAnswer): Problem | undefined {
  const body = parse(text);
  const type = body?.__type ?? headers['x-amzn-errortype'];
  if (typeof type !== 'string') return undefined;
  const code = type.replace(/^.*#/, '').replace(/:.*$/, '');
  const message = body?.message ?? body?.Message;
  return {
    ...{ code, isThrottled: isThrottled(code) },
    message: typeof message === 'string' ? message : undefined,
  };
}
