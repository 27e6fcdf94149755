// The service's own identity in Google Cloud: from the file of GOOGLE_APPLICATION_CREDENTIALS, or from the metadata
// server. https://cloud.google.com/docs/authentication/application-default-credentials
import { googleAssertion, parseGoogleKey } from '@weir/oauth';
import {
  formOf,
  googleProblem,
  type Json,
  jsonOf,
  numberAt,
  objectAt,
  parse,
  textAt,
} from '../answers.ts';
import type { CloudContext } from '../context.ts';
import { invalidConfiguration } from '../errors.ts';
import { fromFile, readSecretFile } from '../files.ts';
import type { AccessToken } from '../types.ts';
import { exchange, GCP_SCOPES, JWT_TYPE } from './exchange.ts';
import { metadataToken } from './metadata.ts';

const VARIABLE = 'GOOGLE_APPLICATION_CREDENTIALS';

/** @throws IdentityError */
export async function ownGcpToken(
  context: CloudContext,
  proxy: string | undefined,
  signal: AbortSignal,
): Promise<AccessToken> {
  const path = context.environment[VARIABLE];
  if (!path) return metadataToken(context, GCP_SCOPES, signal);
  const text = await readSecretFile(context, path, VARIABLE);
  const file = parse(text);
  if (file?.type === 'external_account') return external(context, file, proxy, signal);
  if (file?.type === 'service_account') return ofKey(context, text, proxy, signal);
  throw invalidConfiguration(
    `the file of ${VARIABLE} is of no type that is read: external_account, service_account`,
  );
}

/** A token from a file of another system, exchanged at Google's STS (workload identity federation). */
async function external(
  context: CloudContext,
  file: Json,
  proxy: string | undefined,
  signal: AbortSignal,
): Promise<AccessToken> {
  const source = objectAt(file, 'credential_source');
  if (typeof source.file !== 'string') {
    throw invalidConfiguration(`the credential_source of the file of ${VARIABLE} is no file`);
  }
  const text = await readSecretFile(context, source.file, `${VARIABLE}'s credential_source`);
  const format = objectAt(source, 'format');
  const name = format.subject_token_field_name;
  const isJson = format.type === 'json' && typeof name === 'string';
  const token = isJson ? parse(text)?.[name] : text;
  if (typeof token !== 'string' || token === '') {
    throw invalidConfiguration(`the credential_source of the file of ${VARIABLE} has no token`);
  }
  const { audience, subject_token_type: type, service_account_impersonation_url: url } = file;
  if (typeof audience !== 'string' || audience === '') {
    throw invalidConfiguration(`the file of ${VARIABLE} has no audience`);
  }
  const email = typeof url === 'string' ? emailOfUrl(url) : undefined;
  const tokenType = typeof type === 'string' ? type : JWT_TYPE;
  return exchange(context, { token, tokenType, audience, email, proxy }, signal);
}

function emailOfUrl(url: string): string {
  const email = /\/serviceAccounts\/([^/:]+):generateAccessToken$/.exec(url)?.[1];
  if (email === undefined) {
    throw invalidConfiguration(
      `the service_account_impersonation_url of the file of ${VARIABLE} names no account`,
    );
  }
  return decodeURIComponent(email);
}

const TOKENS = 'Google OAuth';

/**
 * A key of an account, which signs an assertion (RFC 7523):
 * https://developers.google.com/identity/protocols/oauth2/service-account
 */
async function ofKey(
  { network, now }: CloudContext,
  text: string,
  proxy: string | undefined,
  signal: AbortSignal,
): Promise<AccessToken> {
  const { url, assertion } = fromFile(VARIABLE, () =>
    googleAssertion(parseGoogleKey(text), GCP_SCOPES.join(' ')),
  );
  const form = formOf({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion });
  const request = { ...{ method: 'POST' as const, url, ...form }, service: TOKENS };
  const answer = await network.ask({ ...request, problem: googleProblem }, proxy, signal);
  const json = jsonOf(answer, TOKENS);
  const token = textAt(json, 'access_token', TOKENS);
  return { token, expiresAt: now() + numberAt(json, 'expires_in', TOKENS) * 1_000 };
}
