// The credentials with which a Bucket's objects are read: from its spec and its Secrets.
import { type Bucket, FETCH_FAILED } from '@weir/api';
import { proxyOf, readLoginSecret, readNamedSecret, tlsOf } from '@weir/credentials';
import type { Identities } from '@weir/identity';
import type { KubeClient } from '@weir/kube';
import { requireObjectIdentity } from '@weir/reconcile';
import { orAuthenticationFailed } from '../shared/authentication.ts';
import { ownershipKeyOf } from '../shared/keys.ts';
import { azureRemote } from './azure.ts';
import { gcsRemote } from './gcs.ts';
import type { Remote, Secrets } from './remote.ts';
import { s3Remote } from './s3.ts';

/** The clients for Secrets and for identities. */
export interface CredentialClients {
  client: KubeClient;
  identities: Identities;
}

/**
 * Reads the Secrets that a Bucket names, in Flux's order and with Flux's messages.
 * @throws Failure AuthenticationFailed; FeatureGateDisabled, URLInvalid (stalled)
 */
export async function readRemote(
  { client, identities }: CredentialClients,
  object: Bucket,
  signal: AbortSignal,
): Promise<Remote> {
  const { spec } = object;
  requireObjectIdentity(identities, spec.serviceAccountName, { condition: FETCH_FAILED });
  const secrets = await readSecrets(client, object, signal);
  if (spec.provider === 'azure') return azureRemote(object, secrets, identities);
  if (spec.provider === 'gcp') return gcsRemote(object, secrets, identities);
  return s3Remote(object, secrets, identities, signal);
}

async function readSecrets(
  client: KubeClient,
  { spec, metadata }: Bucket,
  signal: AbortSignal,
): Promise<Secrets> {
  const { sts } = spec;
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
  return { login, stsLogin, proxy, tls, stsTls };
}

/** The key that decides which replica owns a Bucket. Buckets with equal keys share what they list and fetch. */
export function ownershipKey({ spec, metadata }: Bucket): string {
  const { provider = 'generic', endpoint, bucketName, prefix, region, insecure, sts } = spec;
  const { secretRef, certSecretRef, proxySecretRef, serviceAccountName } = spec;
  const named = { secretRef, certSecretRef, proxySecretRef, sts, serviceAccountName };
  const own = [endpoint, bucketName, prefix, region, insecure];
  // For the provider `generic` the key has its old form, so that an update moves no object to another replica.
  const all = provider === 'generic' ? own : [provider, ...own];
  return ownershipKeyOf('bucket', metadata.namespace, all, named);
}
