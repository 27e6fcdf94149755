// Buckets of the S3 protocol: with access keys, or those that a token service gives.
import { type Bucket, FETCH_FAILED, Reason } from '@weir/api';
import type { NamedSecret } from '@weir/credentials';
import { type BucketOptions, openBucket } from '@weir/objectstore';
import { Failure } from '@weir/reconcile';
import { digestOf } from '../shared/keys.ts';
import { fetchFailure } from '../shared/snapshots.ts';
import { type Network, plainName, type Remote, type Secrets } from './remote.ts';

export type S3Options = Pick<
  BucketOptions,
  'endpoint' | 'bucket' | 'region' | 'insecure' | 'credentials' | 'tls' | 'proxy'
>;

/** @throws Failure AuthenticationFailed; URLInvalid (stalled) */
export function s3Remote({ spec }: Bucket, secrets: Secrets): Remote {
  const { endpoint, bucketName: bucket, region, insecure, sts } = spec;
  const { login, stsLogin, proxy, tls, stsTls } = secrets;
  const keys = login && keysOf(login);
  if (sts !== undefined) checkUrl(sts.endpoint);
  const temporary = sts && {
    endpoint: sts.endpoint,
    ...(stsLogin ? loginOf(stsLogin) : { username: '', password: '' }),
    connection: { tls: stsTls, proxy },
  };
  const credentials = keys ?? temporary;
  return openedWith({ endpoint, bucket, region, insecure, credentials, tls, proxy });
}

/** A remote of options that hold all that decides about it. */
export function openedWith(options: S3Options): Remote {
  return {
    bucket: options.bucket,
    key: digestOf(options),
    open: (network) => openBucket(withNetwork(options, network)),
  };
}

/** The network that the operator allows, for the bucket and for its token service. */
function withNetwork(options: S3Options, { allowLocal, environment }: Network): BucketOptions {
  const network = { allowLocal, environment };
  const { credentials } = options;
  if (credentials === undefined || !('connection' in credentials)) {
    return { ...options, ...network };
  }
  const connection = { ...credentials.connection, ...network };
  return { ...options, ...network, credentials: { ...credentials, connection } };
}

/** Both keys have to be there; empty ones mean that nothing is signed, as in Flux. */
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
