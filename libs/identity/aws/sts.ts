// AWS STS: a token of Kubernetes, or of whoever else AWS trusts, for keys of a role.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html

import { createHash } from 'node:crypto';
import { elementText } from '@weir/net/xml';
import { formOf } from '../answers.ts';
import { type CloudContext, endpointOf } from '../context.ts';
import { invalidAnswer } from '../errors.ts';
import type { CloudAnswer, Problem } from '../net.ts';
import type { AwsCredentials } from '../types.ts';
import { regionalUrl } from './regions.ts';

export interface RoleRequest {
  /** A JSON web token that the role trusts. */
  token: string;
  roleArn: string;
  /** The name under which CloudTrail records the use of the keys. */
  sessionName: string;
  region: string;
  /** URL of the service, if it isn't the region's default. */
  endpoint: string | undefined;
  proxy: string | undefined;
}

const SERVICE = 'AWS STS';

/** @throws IdentityError */
export async function assumeRole(
  context: CloudContext,
  { token, roleArn, sessionName, region, endpoint, proxy }: RoleRequest,
  signal: AbortSignal,
): Promise<AwsCredentials> {
  const url = endpoint ?? endpointOf(context, 'aws-sts', regionalUrl('sts', region));
  const fields = {
    Action: 'AssumeRoleWithWebIdentity',
    Version: '2011-06-15',
    RoleArn: roleArn,
    RoleSessionName: sessionName,
    WebIdentityToken: token,
  };
  const { headers, body } = formOf(fields);
  const request = {
    ...{ method: 'POST' as const, url: new URL(`${url}/`), body, service: SERVICE, problem },
    headers: { ...headers, accept: 'application/xml' },
  };
  const { text } = await context.network.ask(request, proxy, signal);
  const [accessKeyId, secretAccessKey, sessionToken, expiration] = [
    'AccessKeyId',
    'SecretAccessKey',
    'SessionToken',
    'Expiration',
  ].map((name) => textOf(text, name));
  const expiresAt = Date.parse(expiration ?? '');
  if (!accessKeyId || !secretAccessKey || !sessionToken || Number.isNaN(expiresAt)) {
    throw invalidAnswer(`the answer of ${SERVICE} has no credentials`);
  }
  return { accessKeyId, secretAccessKey, sessionToken, expiresAt };
}

/** Codes for too many requests. */
const THROTTLED = /^(Throttling|ThrottlingException|RequestLimitExceeded|TooManyRequests\w*)$/;

/** Errors of AWS's query protocol: `<ErrorResponse><Error><Code>...</Code><Message>...</Message>`. */
function problem({ text }: CloudAnswer): Problem | undefined {
  const code = textOf(text, 'Code');
  if (code === undefined) return undefined;
  return { code, message: textOf(text, 'Message'), isThrottled: isThrottled(code) };
}

export function isThrottled(code: string): boolean {
  return THROTTLED.test(code);
}

/** An element that is empty counts as missing. */
function textOf(xml: string, name: string): string | undefined {
  return elementText(xml, name)?.trim() || undefined;
}

const MAX_SESSION_NAME = 64;

/**
 * A session name in Flux's form. One that is too long for AWS is cut and gets a digest of the whole, and keeps its
 * suffix.
 */
export function sessionNameOf(
  account: { namespace: string; name: string },
  region: string,
): string {
  const suffix = `.${region}.fluxcd.io`;
  const name = `${account.name}.${account.namespace}`;
  if (name.length + suffix.length <= MAX_SESSION_NAME) return `${name}${suffix}`;
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 12);
  const room = MAX_SESSION_NAME - suffix.length - digest.length - 1;
  return `${name.slice(0, room)}-${digest}${suffix}`;
}
