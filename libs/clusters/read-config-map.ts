// Reads a ConfigMap that says how to reach a cluster with the identity of an account, in place of a kubeconfig.
import { hash } from 'node:crypto';
import type { Identities, Provider, Subject } from '@weir/identity';
import { ConfigMap, type KubeClient, type KubeObject } from '@weir/kube';
import { ClusterError, messageOf } from './errors.ts';
import type { Source } from './read-secret.ts';
import type { Reference } from './reference.ts';

export interface ConfigMapOptions {
  identities: Pick<Identities, 'restConfig'>;
  /** `--default-kubeconfig-service-account`; empty for none. */
  defaultAccount: string;
  /** Whether tenants share the cluster (`--default-service-account`): then the service's own identity is never used. */
  isShared: boolean;
  signal: AbortSignal;
}

const PROVIDERS: readonly string[] = ['aws', 'azure', 'gcp', 'generic'];
const MAX_AUDIENCES = 20;
const MAX_CA_BYTES = 256 * 1024;

/** Keys of the ConfigMap, which are Flux's: `provider`, `cluster`, `address`, `ca.crt`, `audiences`, `serviceAccountName`. */
export async function readConfigMapSource(
  client: KubeClient,
  { namespace, name }: Reference,
  options: ConfigMapOptions,
): Promise<Source> {
  const { identities, signal } = options;
  const title = `${namespace}/${name}`;
  const found = await client
    .get<KubeObject & { data?: Record<string, string> }>(ConfigMap, { namespace, name }, { signal })
    .catch((cause: unknown) => {
      signal.throwIfAborted();
      throw new ClusterError(`failed to get configmap ${title}: ${messageOf(cause)}`, { cause });
    });
  const { data = {} } = found;
  const { resourceVersion } = found.metadata;
  const fail = (why: string, cause?: unknown) => new ClusterError(why, { cause, resourceVersion });
  const { provider = '', cluster, address, serviceAccountName } = data;
  if (!isProvider(provider)) throw fail(`provider '${provider}' not implemented`);
  if (!serviceAccountName && options.defaultAccount === '' && options.isShared) {
    throw fail(
      `configmap ${title} names no serviceAccountName, and nobody acts as the service itself where tenants share the cluster`,
    );
  }
  const ca = data['ca.crt'];
  const audiences = listOf(data.audiences);
  if (audiences.length > MAX_AUDIENCES || (ca ?? '').length > MAX_CA_BYTES) {
    throw fail(`configmap ${title} is too large: ${MAX_AUDIENCES} audiences, 256 KiB of ca.crt`);
  }
  const subject: Subject = {
    provider,
    namespace,
    serviceAccountName: serviceAccountName || undefined,
  };
  const wanted = { cluster, address, ca, audiences };
  const config = (until: AbortSignal) => identities.restConfig(subject, wanted, until);
  const { host, ca: authority } = await config(signal).catch((cause: unknown) => {
    signal.throwIfAborted();
    throw fail(messageOf(cause), cause);
  });
  const access = {
    server: host,
    insecure: false,
    credentials: {},
    ...(authority === undefined ? {} : { ca: authority }),
  };
  return {
    access,
    async token(until) {
      const { token, expiresAt } = await config(until);
      return { token, expiresAt };
    },
    // Accounts of the same name in two namespaces are two identities.
    digest: hash('sha256', JSON.stringify([access, subject, wanted]), 'base64'),
    resourceVersion,
  };
}

function isProvider(name: string): name is Provider {
  return PROVIDERS.includes(name);
}

/** The lines of a text. */
function listOf(text = ''): string[] {
  return text.split('\n').flatMap((line) => line.trim() || []);
}
