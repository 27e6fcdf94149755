// Buckets of the S3 protocol, opened with access keys, with keys of a token service, or with an identity in AWS.
import { type Bucket, FETCH_FAILED, Reason } from '@weir/api';
import type { NamedSecret } from '@weir/credentials';
import type { Identities } from '@weir/identity';
import { type BucketOptions, openBucket, type TemporaryKeys } from '@weir/objectstore';
import { Failure, messageOf } from '@weir/reconcile';
import { digestOf } from '../shared/keys.ts';
import { fetchFailure } from '../shared/snapshots.ts';
import { type Network, plainName, type Remote, type Secrets, subjectOf } from './remote.ts';

export type S3Options = Pick<
  BucketOptions,
  'endpoint' | 'bucket' | 'region' | 'insecure' | 'credentials' | 'tls' | 'proxy'
>;

/** How long new keys of an identity may take when the first ones have expired. Milliseconds. */
const KEYS_MS = 30_000;

/** @throws Failure AuthenticationFailed; URLInvalid (stalled) */
export async function s3Remote(
  object: Bucket,
  secrets: Secrets,
  identities: Identities,
  signal: AbortSignal,
): Promise<Remote> {
  const { provider, endpoint, bucketName: bucket, region, insecure, sts } = object.spec;
  const { login, stsLogin, proxy, tls, stsTls } = secrets;
  const keys = login && keysOf(login);
  if (sts !== undefined) checkUrl(sts.endpoint);
  if (provider === 'aws') {
    const options = { endpoint, bucket, region, insecure, credentials: keys, tls, proxy };
    return login ? openedWith(options) : asIdentity(object, options, identities, signal);
  }
  const temporary = sts && {
    endpoint: sts.endpoint,
    ...(stsLogin ? loginOf(stsLogin) : { username: '', password: '' }),
    connection: { tls: stsTls, proxy },
  };
  const credentials = keys ?? temporary;
  return openedWith({ endpoint, bucket, region, insecure, credentials, tls, proxy });
}

/** As in Flux, an identity that can't be had is a failure before the bucket is asked. */
async function asIdentity(
  object: Bucket,
  options: S3Options,
  identities: Identities,
  signal: AbortSignal,
): Promise<Remote> {
  const { region, sts } = object.spec;
  const subject = subjectOf(object, 'aws', options);
  const wanted = { region, stsEndpoint: sts?.endpoint };
  const ask = async (within: AbortSignal): Promise<TemporaryKeys> => {
    const { expiresAt, ...keys } = await identities.awsCredentials(subject, wanted, within);
    return { ...keys, expiration: new Date(expiresAt) };
  };
  await ask(signal).catch((cause: unknown) => {
    const message = `AWS authentication failed: ${messageOf(cause)}`;
    throw fetchFailure(Reason.AuthenticationFailed, message, cause);
  });
  const credentials = () => ask(AbortSignal.timeout(KEYS_MS));
  return { ...openedWith({ ...options, credentials }), key: digestOf([options, subject, wanted]) };
}

/** A remote whose options have everything that decides about it. */
export function openedWith(options: S3Options): Remote {
  return {
    bucket: options.bucket,
    key: digestOf(options),
    open: (network) => openBucket(withNetwork(options, network)),
  };
}

/** Adds the network that the operator allows, for the bucket and for its token service. */
function withNetwork(options: S3Options, { allowLocal, environment }: Network): BucketOptions {
  const network = { allowLocal, environment };
  const { credentials } = options;
  if (credentials === undefined || !('connection' in credentials)) {
    return { ...options, ...network };
  }
  const connection = { ...credentials.connection, ...network };
  return { ...options, ...network, credentials: { ...credentials, connection } };
}

/** Both keys have to be there. When both are empty, requests are not signed, as in Flux. */
function keysOf(secret: NamedSecret) {
  const accessKeyId = secret.data.get('accesskey')?.toString('utf8');
  const secretAccessKey = secret.data.get('secretkey')?.toString('utf8');
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    const what = `invalid '${plainName(secret)}' secret data: required fields 'accesskey' and 'secretkey'`;
    throw fetchFailure(Reason.AuthenticationFailed, what);
  }
  return accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey } : undefined;
}

function loginOf(secret: NamedSecret) {
  const username = secret.data.get('username')?.toString('utf8');
  const password = secret.data.get('password')?.toString('utf8');
  if (username && password) return { username, password };
  const what = `invalid '${plainName(secret)}' secret data for 'ldap' STS provider: required fields username, password`;
  throw fetchFailure(Reason.AuthenticationFailed, what);
}

function checkUrl(endpoint: string): void {
  if (URL.canParse(endpoint)) return;
  const message = `failed to parse STS endpoint '${endpoint}': it is no URL`;
  throw new Failure(Reason.URLInvalid, message, { condition: FETCH_FAILED, stalled: true });
}
