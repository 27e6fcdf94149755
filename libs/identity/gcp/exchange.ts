// Google's STS: a token of somebody whom a workload identity pool trusts for an access token, and the account of Google that it
// may act as. https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token,
// https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken
import { formOf, googleProblem, jsonOf, numberAt, textAt, timeAt } from '../answers.ts';
import { type CloudContext, endpointOf } from '../context.ts';
import { invalidConfiguration } from '../errors.ts';
import type { AccessToken } from '../types.ts';

const CLOUD_PLATFORM = 'https://www.googleapis.com/auth/cloud-platform';
/** The same scopes as in Flux. */
export const GCP_SCOPES: readonly string[] = [
  CLOUD_PLATFORM,
  'https://www.googleapis.com/auth/userinfo.email',
];

export interface Exchange {
  /** The token that is exchanged, and its type. */
  token: string;
  tokenType: string;
  /** The pool and the provider in it that trust the token. */
  audience: string;
  /** The Google account to act as; the token's own identity without one. */
  email: string | undefined;
  proxy: string | undefined;
}

export const JWT_TYPE = 'urn:ietf:params:oauth:token-type:jwt';
const STS = 'Google STS';
const IAM = 'Google IAM';

/** @throws IdentityError */
export async function exchange(
  context: CloudContext,
  { token, tokenType, audience, email, proxy }: Exchange,
  signal: AbortSignal,
): Promise<AccessToken> {
  const base = endpointOf(context, 'gcp-sts', 'https://sts.googleapis.com');
  const form = formOf({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    subject_token: token,
    subject_token_type: tokenType,
    audience,
    scope: email === undefined ? GCP_SCOPES.join(' ') : CLOUD_PLATFORM,
  });
  const request = { method: 'POST' as const, url: new URL(`${base}/v1/token`), ...form };
  const asked = { ...request, service: STS, problem: googleProblem };
  const json = jsonOf(await context.network.ask(asked, proxy, signal), STS);
  const federated = {
    token: textAt(json, 'access_token', STS),
    expiresAt: context.now() + numberAt(json, 'expires_in', STS) * 1_000,
  };
  return email === undefined ? federated : impersonate(context, federated, email, proxy, signal);
}

async function impersonate(
  { network, ...context }: CloudContext,
  { token }: AccessToken,
  email: string,
  proxy: string | undefined,
  signal: AbortSignal,
): Promise<AccessToken> {
  const vendors = 'https://iamcredentials.googleapis.com';
  const base = endpointOf({ network, ...context }, 'gcp-iam-credentials', vendors);
  const account = encodeURIComponent(checkEmail(email));
  const url = new URL(`${base}/v1/projects/-/serviceAccounts/${account}:generateAccessToken`);
  const request = {
    ...{ method: 'POST' as const, url, service: IAM, problem: googleProblem },
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ lifetime: '3600s', scope: GCP_SCOPES }),
  };
  const json = jsonOf(await network.ask(request, proxy, signal), IAM);
  return {
    token: textAt(json, 'accessToken', IAM),
    expiresAt: timeAt(json, 'expireTime', IAM),
  };
}

const EMAIL = /^[a-zA-Z0-9-]{1,100}@[a-zA-Z0-9-]{1,100}\.iam\.gserviceaccount\.com$/;
const EMAIL_KEY = 'iam.gke.io/gcp-service-account';

function checkEmail(email: string): string {
  if (EMAIL.test(email)) return email;
  const shown = email.slice(0, 300);
  throw invalidConfiguration(
    `invalid ${EMAIL_KEY} annotation: '${shown}'. must match ${EMAIL.source}`,
  );
}

/**
 * The Google account that a Kubernetes account acts as, if any.
 * @throws IdentityError InvalidConfiguration
 */
export function emailOf(annotations: Readonly<Record<string, string>>): string | undefined {
  const email = annotations[EMAIL_KEY];
  return email === undefined || email === '' ? undefined : checkEmail(email);
}

const PROVIDER_KEY = 'gcp.auth.fluxcd.io/workload-identity-provider';
const PROVIDER =
  /^projects\/\d{1,30}\/locations\/global\/workloadIdentityPools\/[^/]{1,100}\/providers\/[^/]{1,100}$/;

/** The audience of a cluster that isn't Google's; undefined for one that is. @throws IdentityError InvalidConfiguration */
export function poolAudienceOf(annotations: Readonly<Record<string, string>>): string | undefined {
  const provider = annotations[PROVIDER_KEY];
  if (provider === undefined || provider === '') return undefined;
  if (PROVIDER.test(provider)) return `//iam.googleapis.com/${provider}`;
  const pattern = PROVIDER.source.replaceAll('\\/', '/');
  const shown = provider.slice(0, 300);
  throw invalidConfiguration(
    `invalid ${PROVIDER_KEY} annotation: '${shown}'. must match ${pattern}`,
  );
}
