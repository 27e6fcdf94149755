// Where a Bucket's objects are, and as whom they are read.
import { type Bucket, FETCH_FAILED, Reason } from '@weir/api';
import {
  type NamedSecret,
  proxyOf,
  readLoginSecret,
  readNamedSecret,
  tlsOf,
} from '@weir/credentials';
import type { KubeClient } from '@weir/kube';
import type { BucketOptions } from '@weir/objectstore';
import { Failure } from '@weir/reconcile';
import { orAuthenticationFailed } from '../shared/authentication.ts';
import { digestOf, ownershipKeyOf } from '../shared/keys.ts';
import { fetchFailure } from '../shared/snapshots.ts';

/** The bucket of an object store, with all that decides what may be seen of it. */
export interface Remote {
  options: Pick<
    BucketOptions,
    'endpoint' | 'bucket' | 'region' | 'insecure' | 'credentials' | 'tls' | 'proxy'
  >;
  /** Stands for all of the options: equal keys may share what was listed and fetched. */
  key: string;
}

/**
 * Reads the Secrets that a Bucket names, in the order and with the words of Flux.
 * @throws Failure AuthenticationFailed; URLInvalid (stalled)
 */
export async function readRemote(
  client: KubeClient,
  { spec, metadata }: Bucket,
  signal: AbortSignal,
): Promise<Remote> {
  const { endpoint, bucketName: bucket, region, insecure, sts } = spec;
  const { namespace = '' } = metadata;
  const secret = ({ name }: { name: string }) =>
    readNamedSecret(client, { namespace, name }, signal);

  const credential = (what: string, { name }: { name: string }) =>
    orAuthenticationFailed('', () => readLoginSecret(client, { namespace, name }, signal, what));

  const login = spec.secretRef && (await credential('secret', spec.secretRef));
  const stsLogin = sts?.secretRef && (await credential('STS secret', sts.secretRef));
  const proxy = await orAuthenticationFailed(
    'failed to get proxy URL: ',
    async () => spec.proxySecretRef && proxyOf(await secret(spec.proxySecretRef)),
  );
  const tls = await orAuthenticationFailed(
    'failed to get TLS config: ',
    async () => spec.certSecretRef && tlsOf(await secret(spec.certSecretRef)),
  );
  const stsTls = await orAuthenticationFailed(
    'failed to get STS TLS config: ',
    async () => sts?.certSecretRef && tlsOf(await secret(sts.certSecretRef)),
  );

  const keys = login && keysOf(login);
  if (sts !== undefined) checkUrl(sts.endpoint);
  const temporary = sts && {
    endpoint: sts.endpoint,
    ...(stsLogin ? loginOf(stsLogin) : { username: '', password: '' }),
    connection: { tls: stsTls, proxy },
  };
  const credentials = keys ?? temporary;
  const options = { endpoint, bucket, region, insecure, credentials, tls, proxy };
  return { options, key: digestOf(options) };
}

/** Both keys have to be there; empty ones mean that nothing is signed, as in Flux. */
function keysOf({ data, name }: NamedSecret) {
  const accessKeyId = data.get('accesskey')?.toString('utf8');
  const secretAccessKey = data.get('secretkey')?.toString('utf8');
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    const what = `invalid '${plainName(name)}' secret data: required fields 'accesskey' and 'secretkey'`;
    throw fetchFailure(Reason.AuthenticationFailed, what);
  }
  return accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey } : undefined;
}

function loginOf({ data, name }: NamedSecret) {
  const username = data.get('username')?.toString('utf8');
  const password = data.get('password')?.toString('utf8');
  if (username && password) return { username, password };
  const what = `invalid '${plainName(name)}' secret data for 'ldap' STS provider: required fields username, password`;
  throw fetchFailure(Reason.AuthenticationFailed, what);
}

function plainName(name: string): string {
  return name.slice(name.indexOf('/') + 1);
}

function checkUrl(endpoint: string): void {
  if (URL.canParse(endpoint)) return;
  const message = `failed to parse STS endpoint '${endpoint}': it is no URL`;
  throw new Failure(Reason.URLInvalid, message, { condition: FETCH_FAILED, stalled: true });
}

/** What decides which replica owns a Bucket: those alike share what they list and fetch. */
export function ownershipKey({ spec, metadata }: Bucket): string {
  const { endpoint, bucketName, prefix, region, insecure, sts } = spec;
  const { secretRef, certSecretRef, proxySecretRef } = spec;
  const named = { secretRef, certSecretRef, proxySecretRef, sts };
  const own = [endpoint, bucketName, prefix, region, insecure];
  return ownershipKeyOf('bucket', metadata.namespace, own, named);
}
