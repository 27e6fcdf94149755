// Buckets of Google Cloud Storage, opened with the key of a service account or with a workload identity.
import { type Bucket, Reason } from '@weir/api';
import type { NamedSecret } from '@weir/credentials';
import type { Identities } from '@weir/identity';
import { type ConnectionOptions, keepConnections } from '@weir/net';
import {
  type GoogleKey,
  googleToken,
  keepToken,
  parseGoogleKey,
  type TokenSource,
} from '@weir/oauth';
import { openGcsBucket } from '@weir/objectstore';
import { messageOf } from '@weir/reconcile';
import { digestOf } from '../shared/keys.ts';
import { fetchFailure } from '../shared/snapshots.ts';
import { plainName, type Remote, type Secrets, subjectOf } from './remote.ts';

const SCOPE = 'https://www.googleapis.com/auth/devstorage.read_only';
/** The name of the API among the operator's endpoints. */
const ENDPOINT = 'gcp-storage';

/**
 * As in Flux, `spec.endpoint` is ignored: a token is sent to Google, or to the endpoint that the operator sets.
 * @throws Failure AuthenticationFailed
 */
export function gcsRemote(
  object: Bucket,
  { login, proxy, tls }: Secrets,
  identities: Identities,
): Remote {
  const { bucketName: bucket } = object.spec;
  const key = login && keyOf(login);
  const subject = subjectOf(object, 'gcp', { proxy, tls });
  return {
    bucket,
    key: digestOf(['gcp', bucket, key ?? subject, proxy, tls]),
    open({ allowLocal, environment, endpoints }) {
      const options = { tls, proxy, allowLocal, environment };
      const token = key ? tokenOf(key, options) : identityToken;
      return openGcsBucket({ ...options, bucket, endpoint: endpoints[ENDPOINT], token });
    },
  };

  async function identityToken(signal: AbortSignal): Promise<string> {
    return (await identities.accessToken(subject, {}, signal)).token;
  }
}

function tokenOf(key: GoogleKey, options: ConnectionOptions): TokenSource {
  const connections = keepConnections(options);
  return keepToken((signal) => googleToken(key, SCOPE, { connections, signal }));
}

function keyOf(secret: NamedSecret): GoogleKey {
  const invalid = (why: string) =>
    fetchFailure(Reason.AuthenticationFailed, `invalid '${plainName(secret)}' secret data: ${why}`);
  const text = secret.data.get('serviceaccount')?.toString('utf8');
  if (text === undefined) throw invalid("required fields 'serviceaccount'");
  try {
    return parseGoogleKey(text);
  } catch (cause) {
    throw invalid(`'serviceaccount' can not be used: ${messageOf(cause)}`);
  }
}
