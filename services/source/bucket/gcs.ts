// Buckets of Google Cloud Storage: with the key of a service account.
import { type Bucket, Reason } from '@weir/api';
import type { NamedSecret } from '@weir/credentials';
import { keepConnections } from '@weir/net';
import { type GoogleKey, googleToken, keepToken, parseGoogleKey } from '@weir/oauth';
import { openGcsBucket } from '@weir/objectstore';
import { messageOf } from '@weir/reconcile';
import { digestOf } from '../shared/keys.ts';
import { fetchFailure } from '../shared/snapshots.ts';
import { plainName, type Remote, type Secrets } from './remote.ts';

const SCOPE = 'https://www.googleapis.com/auth/devstorage.read_only';
/** The name of the API among the operator's endpoints. */
const ENDPOINT = 'gcp-storage';

/**
 * As in Flux, `spec.endpoint` isn't looked at: a token goes to Google, or to where the operator says.
 * @throws Failure AuthenticationFailed
 */
export function gcsRemote({ spec }: Bucket, { login, proxy, tls }: Secrets): Remote {
  const { bucketName: bucket } = spec;
  const key = login && keyOf(login);
  return {
    bucket,
    key: digestOf(['gcp', bucket, key, proxy, tls]),
    open({ allowLocal, environment, endpoints }) {
      const options = { tls, proxy, allowLocal, environment };
      const connections = keepConnections(options);
      const token = key && keepToken((signal) => googleToken(key, SCOPE, { connections, signal }));
      return openGcsBucket({ ...options, bucket, endpoint: endpoints[ENDPOINT], token });
    },
  };
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
